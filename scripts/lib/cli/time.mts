/** Moments as people read them, in UTC: given as ISO 8601 or in milliseconds since 1970. */
type Moment = string | number

const DAY = 86_400_000
const text = (at: Moment) => (typeof at === 'string' ? at : new Date(at).toISOString()).replace('T', ' ')

/** `2026-11-26`. */
export const day = (at: Moment) => text(at).slice(0, 10)
/** `2026-11-26 03:00`. */
export const minute = (at: Moment) => text(at).slice(0, 16)
/** `2026-11-26 03:00:04`. */
export const second = (at: Moment) => text(at).slice(0, 19)
/** `03:00:04.123`. */
export const clock = (at: Moment) => text(at).slice(11, 23)

/** Whole days between two moments, in milliseconds since 1970. */
export const daysBetween = (from: number, to: number) => Math.floor((to - from) / DAY)
