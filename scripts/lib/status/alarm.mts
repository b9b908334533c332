/** Something that is wrong. */
export interface Alarm {
  what: string
  /** The command that helps. */
  next: string
  /** Whether users notice it, or soon will. */
  grave: boolean
}

export const alarm = (what: string, next: string): Alarm => ({ what, next, grave: true })
export const warning = (what: string, next: string): Alarm => ({ what, next, grave: false })
