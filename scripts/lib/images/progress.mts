/** What a build is just doing, by what BuildKit prints (`--progress plain`). */
import type { Doing } from '../cli/live.mts'

/** Letters of an instruction that are shown: what comes behind it tells more. */
const LETTERS = 40

/**
 * Hears each line of a build.
 * @param tell gets the step of the build and, when the step has printed something, the last of that
 */
export function buildProgress(tell: Doing): (line: string) => void {
  const steps = new Map<string, string>()
  return (line) => {
    const [, number = '', place, instruction = '', said] = LINE.exec(line) ?? []
    if (place) {
      steps.set(number, place)
      tell(`${place} ${instruction.replaceAll(/--\w+=\S+ +/g, '').slice(0, LETTERS)}`)
    } else if (said) tell(`${steps.get(number) ?? ''} ${said}`.trim())
  }
}

/** `#9 [build 5/6] RUN pip install …`, then `#9 1.234 Collecting flask` for what it prints. */
const LINE = /^#(\d+) (?:\[(?!internal)([^\]]+)\] (.+)|\d+\.\d+ (.*\S.*))$/
