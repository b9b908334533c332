/** Somebody else’s application, changed again and again: its files, its requirements, its Dockerfile, its schema. */
import './own-app.test.mts'
import './migration.test.mts'
