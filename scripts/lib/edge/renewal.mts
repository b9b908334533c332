/** The timer that runs the renewal script twice a day. */
import type { StackConfig } from '../config/config.mts'
import type { Timer } from '../server/timer.mts'

/** Seconds. The renewal starts at a random time within this span: CAs ask their clients to spread the load. */
const SPREAD = 6 * 3600

export const renewal = ({ project, folder, domain }: StackConfig): Timer => ({
  name: `${project}-certificate`,
  purpose: `Renews the certificate of ${domain || 'the site'} when it is due`,
  program: `${folder}/letsencrypt/renew`,
  calendar: '*-*-* 00,12:00:00',
  cron: '0 0,12 * * *',
  spread: SPREAD,
})
