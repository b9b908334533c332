/** What people type day by day, on three servers. They keep both cores busy for minutes: `npm run test:long`. */
import process from 'node:process'
import { after, before } from 'node:test'
import { commands } from './commands.mts'
import { Hosts } from './hosts.mts'

if (process.env.LONG) {
  let hosts: Hosts

  before(async () => {
    hosts = await Hosts.start()
    await hosts.must('deploy')
  })
  after(() => hosts?.remove())

  commands(() => hosts)
}
