/** What people type day by day, on three servers. */
import { after, before, describe } from 'node:test'
import { commands } from './commands.mts'
import { Hosts } from './hosts.mts'

describe('three servers', () => {
  let hosts: Hosts

  before(async () => {
    hosts = await Hosts.start()
    await hosts.must('deploy')
  })
  after(() => hosts?.remove())

  commands(() => hosts)
})
