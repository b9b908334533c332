/** What is about logins, on one server. */
import './users.test.mts'
import './sshd.test.mts'
