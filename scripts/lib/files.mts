/** Files on the server, written so that a reader sees the old one or the new one and nothing between. */
import { bash, join, type Script, type Secret } from './shell.mts'

/** A file as it shall be on the server, owned by root. Paths are absolute; the folder must exist. */
export interface ServerFile {
  path: string
  content: string | Secret
  /** Octal without a leading zero; 644 unless told. */
  mode?: string
}

/** Writes each file beside its place and renames it over; prints the paths whose content or mode changed. */
export function writeScript(files: ServerFile[]): Script {
  return join([WRITE, ...files.map(writeOne)])
}

const WRITE = bash`
write() { # PATH MODE BASE64
  (umask 077; base64 -d <<<"$3" >"$1.next")
  chmod "$2" "$1.next"
  if cmp -s "$1" "$1.next" && [ "$(stat -c %a:%u "$1")" = "$2:0" ]; then rm "$1.next"; return; fi
  mv -f "$1.next" "$1"
  echo "$1"
}`

function writeOne(file: ServerFile): Script {
  const content = typeof file.content === 'string' ? file.content : file.content.reveal()
  return bash`write ${file.path} ${file.mode ?? '644'} ${Buffer.from(content).toString('base64')}`
}
