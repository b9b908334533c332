/** Whether a run holds the lock: for scripts that only look (lock.mts takes it). */
import type { StackConfig } from '../config/config.mts'
import { remote, type Script } from './shell.mts'

/** The function `held` for a script on the server. */
export const heldFunction = ({ folder }: StackConfig): Script => remote('held', { folder })
