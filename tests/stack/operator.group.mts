/** What people type, on one deployment: what is wrong with it and is refused, and what works. */
import './wrong-input.test.mts'
import './commands.test.mts'
