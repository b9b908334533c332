/** What a client finds at the front door of one deployment. */
import './doors.test.mts'
import './tls.test.mts'
import './limits.test.mts'
import './containers.test.mts'
import './spellings.test.mts'
import './headers.test.mts'
