/** What replicas.pl hears of replicas: real servers on loopback, asked by the program that runs on the server. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import { type AddressInfo, createServer as createTcp, type Server } from 'node:net'
import path from 'node:path'
import { after, test } from 'node:test'
import { ROOT } from '../../scripts/lib/config/config.mts'

const PROGRAM = path.join(ROOT, 'scripts/remote/replicas.pl')
const servers: Server[] = []
after(() => {
  for (const server of servers) server.close()
})

async function listen(server: Server): Promise<string> {
  servers.push(server.listen(0, '127.0.0.1'))
  await once(server, 'listening')
  return `127.0.0.1:${(server.address() as AddressInfo).port}`
}
const replica = (answer: RequestListener) => listen(createServer(answer))
const says = (status: number, body: string) => replica((_, response) => response.writeHead(status).end(body))

/** Begins to ask; the lines come one by one. */
function ask(page: string, seconds: number, word: string, ...places: string[]) {
  const child = spawn('perl', [PROGRAM, page, String(seconds), word, ...places])
  let text = ''
  child.stdout.on('data', (data) => {
    text += data
  })
  const ended = once(child, 'close').then(() => text.split('\n').filter(Boolean).sort())
  return { child, ended }
}

test('each is asked once: status and body, and 0 for one that does not answer', async () => {
  const places = [await says(200, 'OK'), await says(404, 'Not\nready\n'), '127.0.0.1:1', '-']
  assert.deepEqual(await ask('/status', 0, '', ...places).ended, [
    '0\t200\tOK',
    '1\t404\tNot ready',
    '2\t0\t',
    '3\t0\t',
  ])
})

test('one that does not say the word is asked again; who says it is told at once', async () => {
  let asked = 0
  const late = await replica((request, response) => {
    assert.equal(request.url, '/ready-for-deploy')
    response.end(++asked < 4 ? 'Not ready' : 'Ready\n')
  })
  const never = await says(200, 'Ready or not')
  const { child, ended } = ask('/ready-for-deploy', 600, 'Ready', never, late)
  const [first] = await once(child.stdout, 'data')
  assert.equal(String(first), '1\t200\tReady\n')
  assert.equal(asked, 4)
  child.stdin.end()
  assert.deepEqual(await ended, ['0\t200\tReady or not', '1\t200\tReady'])
})

test('the word counts with 200 only, and waiting ends by itself', async () => {
  const { ended } = ask('/', 1, 'Ready', await says(404, 'Ready'))
  assert.deepEqual(await ended, ['0\t404\tReady'])
})

test('a connection that stays open, one that is cut, and an answer in pieces', async () => {
  const open = await listen(
    createTcp((socket) => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK')),
  )
  const cut = await listen(createTcp((socket) => socket.once('data', () => socket.destroy())))
  const pieces = await listen(
    createTcp((socket) => {
      socket.write('HTTP/1.0 200 OK\r\nX: y\r\n')
      setImmediate(() => socket.end('\r\nO\tK'))
    }),
  )
  assert.deepEqual(await ask('/', 0, '', open, cut, pieces).ended, ['0\t200\tOK', '1\t0\t', '2\t200\tO K'])
})
