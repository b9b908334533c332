/** One deployment beside one ACME server. */
import './acme.test.mts'
import './acme-refused.test.mts'
