/** The current step of a build, from BuildKit's output (`--progress plain`). */
import type { Doing } from '../cli/live.mts'

/** Characters of an instruction that are shown; the step's own output tells more. */
const LETTERS = 40

/**
 * Reads the output of a build, line by line.
 * @param tell gets the current step, with the last line that the step has printed
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

/** `#9 [build 5/6] RUN pip install …` begins a step; `#9 1.234 Collecting flask` is output of it. */
const LINE = /^#(\d+) (?:\[(?!internal)([^\]]+)\] (.+)|\d+\.\d+ (.*\S.*))$/
