/** Database, proofs and crashes of one deployment. */
import './database.test.mts'
import './verify.test.mts'
import './resilience.test.mts'
