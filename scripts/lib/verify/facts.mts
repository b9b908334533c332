/** The facts that root's look at the server brings, read from the lines that inside.mts's scripts print. */

import { type Killed, parseKilled } from '../stack/memory.mts'

/** The task sheet's two users and their keys: observed against the sheet, not against a file that could be wrong too. */
export const SHEET_USERS = [
  {
    name: 'prusa_admin',
    sudo: true,
    key: 'AAAAC3NzaC1lZDI1NTE5AAAAIIhPd7qHzXBp41QIhXz8HUBq6QjuyGanfXYVPzn9kM6w',
  },
  {
    name: 'prusa_non_admin',
    sudo: false,
    key: 'AAAAC3NzaC1lZDI1NTE5AAAAIEBTg8KKBP/VbPH+VAYLqhGjCBoGBqNPj63BbTFP3Bov',
  },
] as const
export const SHEET_PACKAGES = ['curl', 'wget', 'vim', 'nano', 'jq'] as const

export interface UserFacts {
  exists: boolean
  key: boolean
  /** The password field of shadow(5). */
  shadow: string
  /** `yes`, or what sudo says. */
  sudo: string
  /** Whether sshd would take the given key: `yes`, or why not. */
  accepts: string
  /** Whether a whole login by another key comes about: `yes`, or why not. */
  login: string
}

export interface Container {
  name: string
  service: string
  image: string
  running: boolean
  restartPolicy: string
  /** Published ports as `ADDRESS:PORT->CONTAINER`. */
  ports: { address: string; port: number; inner: number }[]
  logLimit: string
  user: string
}

export interface Inside {
  users: Record<string, UserFacts>
  packages: string[]
  containers: Container[]
  /** Release of each replica by its image's label, and whether Redis answers it. */
  replicas: { name: string; release: string; redis: string }[]
  /** Names of the replicas whose log holds the owner's password. */
  logged: string[]
  killed: Killed[]
  database: Record<string, string>
  admin: Record<string, string>
}

interface Inspected {
  Name: string
  State: { Running: boolean }
  Config: { Image: string; User: string; Labels: Record<string, string> }
  HostConfig: { RestartPolicy: { Name: string }; LogConfig: { Config: Record<string, string> | null } }
  NetworkSettings: { Ports: Record<string, { HostIp: string; HostPort: string }[] | null> }
}

export function parseInside(output: string): Inside {
  const lines = output.split('\n').map((line) => line.split('\t'))
  const of = (kind: string) => lines.filter(([first]) => first === kind).map((line) => line.slice(1))
  const user = (name: string): UserFacts => {
    const facts = new Map(
      of('user')
        .filter(([who]) => who === name)
        .map(([, key, value]) => [key, value]),
    )
    const yes = (key: string) => facts.get(key) === 'yes'
    return {
      exists: yes('exists'),
      key: yes('key'),
      shadow: facts.get('shadow') ?? '',
      sudo: facts.get('sudo') ?? 'not tried',
      accepts: facts.get('accepts') ?? 'not tried',
      login: facts.get('login') ?? 'not tried',
    }
  }
  return {
    users: Object.fromEntries(SHEET_USERS.map(({ name }) => [name, user(name)])),
    packages: of('package').map(([name]) => name as string),
    containers: of('container').map((line) => containerOf(JSON.parse(line.join('\t')) as Inspected)),
    replicas: of('replica').map(([name = '', release = '', redis = '']) => ({ name, release, redis })),
    logged: of('logged')
      .map(([name]) => name as string)
      .sort(),
    killed: parseKilled(output),
    database: parseDatabase(of('database')),
    admin: Object.fromEntries(of('admin') as [string, string][]),
  }
}

/** An answer belongs to the step named before it: `developer INSERT` → `permission denied for table …`. */
function parseDatabase(lines: string[][]): Record<string, string> {
  const found: Record<string, string> = {}
  const steps: Record<string, string> = {}
  for (const [role = '', what = '', value = ''] of lines) {
    if (what === 'step') {
      steps[role] = value
      found[`${role} ${value}`] = 'allowed'
    } else if (what === 'error') found[`${role} ${steps[role] ?? 'login'}`] = value
    else found[`${role} ${what}`] = value
  }
  return found
}

function containerOf(container: Inspected): Container {
  const ports = Object.entries(container.NetworkSettings.Ports ?? {}).flatMap(([inner, bindings]) =>
    (bindings ?? []).map(({ HostIp, HostPort }) => ({
      address: HostIp,
      port: Number(HostPort),
      inner: Number.parseInt(inner, 10),
    })),
  )
  return {
    name: container.Name.replace(/^\//, ''),
    service: container.Config.Labels['com.docker.compose.service'] ?? '',
    image: container.Config.Image,
    running: container.State.Running,
    restartPolicy: container.HostConfig.RestartPolicy.Name,
    ports,
    logLimit: container.HostConfig.LogConfig.Config?.['max-size'] ?? '',
    user: container.Config.User,
  }
}
