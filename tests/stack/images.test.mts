/** Where images come from: what `auto` decides by, and what it does not. */
import assert from 'node:assert/strict'
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import path from 'node:path'
import { describe, test } from 'node:test'
import { stackSchema } from '../../scripts/lib/config/config.mts'
import { defaults } from '../../scripts/lib/config/schema.mts'
import { baseImages } from '../../scripts/lib/images/images.mts'
import { Deployment } from '../lib/deployment.mts'
import { listening } from '../lib/listening.mts'
import { testLong } from '../lib/long.mts'
import { freePort } from '../lib/ports.mts'

// Side by side: a registry that hangs is asked twice, 10 s each.
describe('images: auto', { concurrency: true }, () => {
  testLong('decides nothing by a registry that hangs, and says what to do', async () => {
    const hanging = await listening()
    try {
      await refused(
        hanging.port,
        /cannot decide: .*asked twice.*no answer within 10 s[\s\S]*images: debian in/,
      )
      assert.ok(hanging.connections() > 1)
    } finally {
      hanging.close()
    }
  })

  test('decides nothing by a registry that has enough of us, and says what to do', async () => {
    const busy = createServer((_, response) => response.writeHead(429).end('{}'))
    await new Promise<void>((resolve) => busy.listen(0, '127.0.0.1', resolve))
    try {
      await refused(
        (busy.address() as AddressInfo).port,
        /cannot decide: .*asked twice.*429[\s\S]*docker login/,
      )
    } finally {
      busy.close()
    }
  })

  test('decides for Debian without a registry, keeps that decision, and says how to decide anew', async () => {
    const nowhere = `127.0.0.1:${await freePort()}/x`
    const other = await Deployment.prepare({ images: 'auto', base_images: images(nowhere) })
    const decision = path.join(other.folder, 'images')
    try {
      const first = await other.must('02-build')
      assert.match(first, /auto decided for “debian”.*since no registry is in reach \(.*connection refused\)/)
      assert.equal(readFileSync(decision, 'utf8'), 'debian\n')
      const again = await other.must('02-build')
      assert.ok(again.includes(`decided for “debian” earlier. To decide again: sudo rm ${decision}`), again)
      rmSync(decision)
      // What all is there already is used, and the registry is not said to answer.
      other.configure({ base_images: baseImages(defaults(stackSchema), 'debian') })
      assert.match(await other.must('02-build'), /auto decided for “registry”.*the registry was not asked/)
    } finally {
      await other.remove()
    }
  })
})

async function refused(port: number, sentence: RegExp): Promise<void> {
  const other = await Deployment.prepare({ images: 'auto', base_images: images(`127.0.0.1:${port}/x`) })
  try {
    const { exitCode, text } = await other.run('02-build')
    assert.equal(exitCode, 1, text)
    assert.match(text, sentence)
    assert.ok(!existsSync(path.join(other.folder, 'images')))
  } finally {
    await other.remove()
  }
}

const images = (name: string) =>
  Object.fromEntries(
    ['postgres', 'redis', 'nginx', 'haproxy', 'python'].map((service) => [service, `${name}:1`]),
  )
