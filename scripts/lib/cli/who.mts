import { userInfo } from 'node:os'

/** The name, on this machine, of the user who runs the script. */
export const who = () => userInfo().username
