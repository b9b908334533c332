/** Somebody else’s application: what passes through to it, its faults, its passwords. */
import './passes.test.mts'
import './faults.test.mts'
import './process1.test.mts'
import './rotate.test.mts'
