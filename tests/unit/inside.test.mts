/** What root sees on the server, read from the output of the scripts. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseInside } from '../../scripts/lib/verify/facts.mts'
import { judge } from '../../scripts/lib/verify/sheet.mts'
import { warnings } from '../../scripts/lib/verify/warnings.mts'
import { perfect } from '../lib/perfect.mts'

const output = `user	prusa_admin	exists	yes
user	prusa_admin	shadow	*
user	prusa_admin	key	yes
user	prusa_admin	sudo	yes
user	prusa_admin	accepts	yes
user	prusa_admin	login	Access denied
user	prusa_non_admin	exists	yes
user	prusa_non_admin	shadow	$6$
package	curl
package	jq
container	/prusa-lb-1	lb	true	unless-stopped	0.0.0.0 443 :: 443 	
container	/prusa-db-1	db	false	no		
replica	prusa-app-2	1a2b3c	+PONG
replica	prusa-app-1	1a2b3c	ConnectionRefusedError: [Errno 111] refused
database	app	owner	app
database	developer	reads palindroms	3
database	app	writes	1
database	developer	reads notes	0
database	developer	step	INSERT
database	developer	error	permission denied for table notes
database	developer	step	CREATE
database	developer	step	TEMPORARY
database	developer	error	permission denied to create temporary tables in database "prusa"
admin	none	401
admin	wrong	401
admin	right	200
`
test('reads the output of the scripts; an error of the database belongs to the step before it', () => {
  assert.deepEqual(parseInside(output), {
    users: {
      prusa_admin: {
        exists: 'yes',
        shadow: '*',
        key: 'yes',
        sudo: 'yes',
        accepts: 'yes',
        login: 'Access denied',
      },
      prusa_non_admin: { exists: 'yes', shadow: '$6$' },
    },
    packages: ['curl', 'jq'],
    containers: [
      {
        name: 'prusa-lb-1',
        service: 'lb',
        running: true,
        restartPolicy: 'unless-stopped',
        ports: ['0.0.0.0', '::'].map((address) => ({ address, port: 443 })),
      },
      { name: 'prusa-db-1', service: 'db', running: false, restartPolicy: 'no', ports: [] },
    ],
    replicas: [
      { name: 'prusa-app-2', release: '1a2b3c', redis: '+PONG' },
      { name: 'prusa-app-1', release: '1a2b3c', redis: 'ConnectionRefusedError: [Errno 111] refused' },
    ],
    logged: [],
    killed: [],
    database: {
      'app owner': 'app',
      'app writes': '1',
      'developer reads palindroms': '3',
      'developer reads notes': '0',
      'developer INSERT': 'permission denied for table notes',
      'developer CREATE': 'allowed',
      'developer TEMPORARY': 'permission denied to create temporary tables in database "prusa"',
    },
    admin: { none: '401', wrong: '401', right: '200' },
  })
})

test('gives an error before the first step to the login', () => {
  const { database } = parseInside('database\tapp\terror\tpassword authentication failed for user "app"')
  assert.deepEqual(database, { 'app login': 'password authentication failed for user "app"' })
})

test('finds the replicas whose log holds the owner’s password; the warning says what to type', () => {
  const { logged, killed } = parseInside('logged\tprusa-app-2\nlogged\tprusa-app-1\n')
  const [warning = '', ...others] = warnings({ logged, killed })
  assert.match(
    warning,
    /prusa-app-1 and prusa-app-2 .* DATABASE_URI.*npm run redeploy.* rotate db_owner_password/,
  )
  assert.deepEqual(others, [])
  assert.deepEqual(warnings({ logged: [], killed: [] }), [])
})

test('finds a container whose processes were killed for memory; the warning says how many', () => {
  const { killed, logged } = parseInside('killed\tprusa-lb-1\t3\n')
  assert.match(warnings({ logged, killed }).join('\n'), /prusa-lb-1 .* 3 since/)
})

test('reads an empty output', () => {
  assert.deepEqual(parseInside(''), {
    users: { prusa_admin: {}, prusa_non_admin: {} },
    packages: [],
    containers: [],
    replicas: [],
    logged: [],
    killed: [],
    database: {},
    admin: {},
  })
})

test('the read-only user may not read one of several tables', () => {
  const facts = perfect()
  facts.inside.database = parseInside(
    [
      'database\tapp\towner\tapp',
      'database\tapp\twrites\t1',
      'database\tdeveloper\treads palindroms\t3',
      'database\tdeveloper\terror\tpermission denied for table notes',
      'database\tdeveloper\tstep\tINSERT',
      'database\tdeveloper\terror\tpermission denied for table notes',
      'database\tdeveloper\tstep\tCREATE',
      'database\tdeveloper\terror\tpermission denied for schema public',
      'database\tdeveloper\tstep\tTEMPORARY',
      'database\tdeveloper\terror\tpermission denied to create temporary tables in database "prusa"',
    ].join('\n'),
  ).database
  assert.deepEqual(
    judge(facts)
      .filter(({ ok }) => !ok)
      .map(({ required }) => required),
    ['A read-only user developer'],
  )
})
