/** What a replica is at, in the words of every picture. */

export type State = 'warming' | 'serving' | 'draining' | 'down' | 'gone'

export const STATES: Record<State, { word: string; means: string }> = {
  warming: {
    word: 'warming up',
    means:
      'It runs. It gets no requests, since it does not answer /status with OK yet or has not proven itself.',
  },
  serving: { word: 'serving', means: 'The balancer sends it requests.' },
  draining: {
    word: 'draining',
    means: 'It gets no new requests. It completes its work, and is stopped when it says Ready.',
  },
  down: { word: 'down', means: 'It is stopped, or does not answer /status with OK although it did before.' },
  gone: { word: 'gone', means: 'Its container was removed.' },
}
