/** Names of the base images. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, before, test } from 'node:test'
import { stackSchema } from '../../scripts/lib/config/config.mts'
import { defaults } from '../../scripts/lib/config/schema.mts'
import { ownName } from '../../scripts/lib/images/base.mts'
import { baseImages } from '../../scripts/lib/images/images.mts'

let source: string
before(() => {
  source = mkdtempSync(path.join(tmpdir(), 'images-test-'))
})
after(() => rmSync(source, { recursive: true }))

const stack = defaults(stackSchema)
const withSource = () => ({ ...stack, app: { ...stack.app, source } })

test('in registry mode, the names are the configured ones', () => {
  const base_images = {
    postgres: 'p:1',
    redis: 'r:2',
    nginx: 'n:3',
    haproxy: 'h:4',
    python: 'y:5',
    certbot: 'c:6',
  }
  assert.deepEqual(baseImages({ ...stack, base_images, tls: 'letsencrypt' }, 'registry'), base_images)
})

test('certbot’s image is needed only with tls: letsencrypt', () => {
  for (const mode of ['registry', 'debian'] as const) {
    assert.equal(baseImages(stack, mode).certbot, undefined)
    assert.equal(baseImages({ ...stack, tls: 'files' }, mode).certbot, undefined)
  }
  const acme = { ...stack, tls: 'letsencrypt' as const }
  assert.equal(baseImages(acme, 'registry').certbot, stack.base_images.certbot)
  assert.match(baseImages(acme, 'debian').certbot ?? '', /^prusa-debian\/certbot:4\.0-[0-9a-f]{8}$/)
})

test('in Debian mode, a name has the version and a digest of what the image is made from', () => {
  const images = baseImages(stack, 'debian')
  assert.match(images.postgres, /^prusa-debian\/postgres:17-[0-9a-f]{8}$/)
  assert.match(images.redis, /^prusa-debian\/redis:8-[0-9a-f]{8}$/)
  assert.match(images.nginx, /^prusa-debian\/nginx:1\.30-[0-9a-f]{8}$/)
  assert.match(images.haproxy, /^prusa-debian\/haproxy:3\.2-[0-9a-f]{8}$/)
  assert.match(images.python, /^prusa-debian\/python:3\.13-[0-9a-f]{8}$/)
})

test('in Debian mode, other requirements change only the Python image', () => {
  writeFileSync(path.join(source, 'requirements.txt'), 'flask==3.1\n')
  const earlier = baseImages(withSource(), 'debian')
  writeFileSync(path.join(source, 'requirements.txt'), 'flask==3.0\n')
  const later = baseImages(withSource(), 'debian')
  assert.notEqual(later.python, earlier.python)
  writeFileSync(path.join(source, 'requirements.txt'), '-r base.txt\n')
  const without = baseImages(withSource(), 'debian').python
  writeFileSync(path.join(source, 'base.txt'), 'flask\n')
  assert.notEqual(baseImages(withSource(), 'debian').python, without)
  assert.deepEqual({ ...later, python: '' }, { ...earlier, python: '' })
})

test('a deployment’s own names, also for images with a registry’s address or a digest', () => {
  const own = (image: string) => ownName({ ...stack, project: 'shop' }, 'postgres', image)
  assert.equal(own('postgres:17'), 'shop/postgres:postgres-17')
  assert.equal(own('prusa-debian/postgres:17-0123abcd'), 'shop/postgres:debian-17-0123abcd')
  assert.equal(own('10.0.0.1:5000/db/postgres:17'), 'shop/postgres:10.0.0.1-5000-db-postgres-17')
  assert.match(own(`postgres@sha256:${'0'.repeat(64)}`), /^shop\/postgres:postgres-sha256-0{64}$/)
  assert.match(own(`${'-./'.repeat(60)}x:1`), /^shop\/postgres:\w[\w.-]{0,127}$/)
})
