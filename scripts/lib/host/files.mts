/** Reads and writes files on the server. A reader sees the old file or the new one, and never a part of one. */
import { hash } from 'node:crypto'
import { bash, join, remote, type Script, type Secret } from './shell.mts'

/** A file of root on the server. The path is absolute, and its folder must exist. */
export interface ServerFile {
  path: string
  content: string | Secret
  /** Octal, without a leading zero. The default is 644. */
  mode?: string
}

/** A script that prints the files that exist. Bash itself reads them: no program is started. */
export const printing = (paths: string[]): Script =>
  bash`for file in ${paths}; do [ ! -e "$file" ] || echo "$(<"$file")"; done`

/**
 * The script that writes each file beside its place and renames it. It prints the paths of the files whose content, mode
 * or owner changed. It compares all files at once first: mostly nothing has changed, and each write costs several processes.
 */
export function writeScript(files: ServerFile[]): Script {
  if (files.length === 0) return remote('write')
  const paths = files.map((file) => file.path)
  const modes = files.map((file) => `${modeOf(file)}:0`).join('\n')
  const sums = files.map((file) => `${sha256(contentOf(file))}  ${file.path}`).join('\n')
  return join([
    remote('write'),
    bash`if [ "$(stat -c %a:%u ${paths} 2>/dev/null)" != ${modes} ] || ! sha256sum -c --status <<<${sums} 2>/dev/null; then`,
    ...files.map(
      (file) => bash`base64 -d <<<${base64(contentOf(file))} | write ${file.path} ${modeOf(file)}`,
    ),
    bash`fi`,
  ])
}

const modeOf = (file: ServerFile) => file.mode ?? '644'
const contentOf = ({ content }: ServerFile) => (typeof content === 'string' ? content : content.reveal())
const base64 = (text: string) => Buffer.from(text).toString('base64')
const sha256 = (text: string) => hash('sha256', text)
