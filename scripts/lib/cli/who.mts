import { userInfo } from 'node:os'

/** Who runs this, by the name on this machine. */
export const who = () => userInfo().username
