/** The server's users: opened by their keys and by nothing else. */
import type { User } from './config.mts'
import type { Host } from './host.mts'
import { bash, join, type Script } from './shell.mts'

/** Makes the users as configured; returns what was changed, a few words each. */
export async function applyUsers(host: Host, users: User[]): Promise<string[]> {
  const output = await host.run('Preparing the users', usersScript(users))
  return output.split('\n').filter(Boolean)
}

export function usersScript(users: User[]): Script {
  return join([FUNCTIONS, ...users.map(userScript)])
}

function userScript({ name, sudo, keys }: User): Script {
  return join([
    bash`account ${name}`,
    ...keys.map((key) => bash`authorize ${name} ${key}`),
    sudo ? bash`grant ${name}` : bash`withhold ${name}`,
  ])
}

// The shadow field `*` matches no password and leaves key logins alone. `!`, which useradd writes, means "locked",
// and sshd refuses the key as well when it runs with UsePAM no (measured on Debian 12 and 13).
const FUNCTIONS = bash`
account() {
  local home
  if ! getent passwd "$1" >/dev/null; then
    useradd --create-home --shell /bin/bash "$1"
    echo "created $1"
  fi
  if [ "$(getent shadow "$1" | cut -d: -f2)" != '*' ]; then
    usermod --password '*' "$1"
    echo "no password opens $1"
  fi
  home=$(getent passwd "$1" | cut -d: -f6)
  # useradd leaves it open to everybody on Debian 12.
  if [[ $home == /home/?* && $(stat -c %A "$home") != *--- ]]; then
    chmod o= "$home"
    echo "closed the home of $1 to others"
  fi
  case "$(getent passwd "$1" | cut -d: -f7)" in
    */nologin | */false) usermod --shell /bin/bash "$1"; echo "gave $1 a login shell" ;;
  esac
}
authorize() { # NAME KEY: written as the user itself, who may have made a link of anything in there
  runuser -u "$1" -- bash -euc '
    umask 077
    cd; mkdir -p .ssh; [ -e .ssh/authorized_keys ] || touch .ssh/authorized_keys
    blob=$(cut -d" " -f1,2 <<<"$1")
    grep -qF "$blob" .ssh/authorized_keys && exit 0
    [ -z "$(tail -c1 .ssh/authorized_keys)" ] || echo >>.ssh/authorized_keys
    echo "$1" >>.ssh/authorized_keys
    chmod 700 .ssh; chmod 600 .ssh/authorized_keys
    echo "added a key of $(id -un)"
  ' bash "$2"
}
grant() {
  local file=/etc/sudoers.d/90-$1 line="$1 ALL=(ALL:ALL) NOPASSWD: ALL" next
  if [ "$(cat "$file" 2>/dev/null)" = "$line" ] && [ "$(stat -c %a:%u "$file")" = 440:0 ]; then return; fi
  next=$(mktemp "/etc/sudoers.d/.90-$1.XXXXXX") # sudo reads no name with a dot
  echo "$line" >"$next"
  chmod 440 "$next"
  visudo -cqf "$next"
  mv "$next" "$file"
  echo "gave $1 sudo"
}
withhold() { # also membership of the groups that amount to it
  local group
  if [ -e "/etc/sudoers.d/90-$1" ]; then rm "/etc/sudoers.d/90-$1"; echo "took sudo from $1"; fi
  for group in sudo admin docker; do
    [[ " $(id -nG "$1") " == *" $group "* ]] || continue
    gpasswd -d "$1" "$group" >/dev/null
    echo "took $1 out of the group $group"
  done
}`
