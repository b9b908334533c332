/** Something that is out of the ordinary. */
export interface Alarm {
  what: string
  /** What to type. */
  next: string
  /** Whether users may notice, or soon will. */
  grave: boolean
}

export const alarm = (what: string, next: string): Alarm => ({ what, next, grave: true })
export const warning = (what: string, next: string): Alarm => ({ what, next, grave: false })
