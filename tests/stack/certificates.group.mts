/** The certificates of one deployment: from an ACME server, made by openssl, and brought by the operator. */
import './acme.test.mts'
import './acme-refused.test.mts'
import './certificate.test.mts'
import './files.test.mts'
