/** What is in the layers of images, those included that a later layer hides. */
import { spawn } from 'node:child_process'

/** Whether a text is anywhere in the images' layers; whatever is found is not printed. */
export function inLayers(images: string[], texts: string[]): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const saving = spawn('docker', ['save', ...images], { stdio: ['ignore', 'pipe', 'inherit'] })
    let tail = ''
    let found = false
    const longest = Math.max(...texts.map(({ length }) => length))
    saving.stdout.on('data', (chunk: Buffer) => {
      const text = tail + chunk.toString('latin1')
      found ||= texts.some((one) => text.includes(one))
      tail = text.slice(-longest)
    })
    saving.on('close', (code) => (code === 0 ? resolve(found) : reject(new Error(`docker save: ${code}`))))
  })
}
