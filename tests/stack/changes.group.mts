/** Releases and settings of one deployment that come and go, cut off and undone. */
import './targets.test.mts'
import './steps.test.mts'
