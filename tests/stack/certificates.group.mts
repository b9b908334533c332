/** The certificates of one deployment: made by openssl, and brought by the operator. */
import './certificate.test.mts'
import './files.test.mts'
