import { setTimeout as delay } from 'node:timers/promises'

export interface PollOptions {
  /** Milliseconds; default 5000 for `eventually`, 300 for `consistently`. */
  timeoutMs?: number
  /** Milliseconds between two looks; default 10. */
  intervalMs?: number
}

/** Repeats an assertion until it holds, and returns what it returned; after the deadline the last failure is thrown as it was. */
export async function eventually<T>(assertion: () => T | Promise<T>, options: PollOptions = {}): Promise<T> {
  const deadline = performance.now() + (options.timeoutMs ?? 5000)
  for (;;) {
    try {
      return await assertion()
    } catch (error) {
      if (performance.now() >= deadline) throw error
    }
    await delay(options.intervalMs ?? 10)
  }
}

/** The assertion holds now and goes on holding for the whole time: reach a state with `eventually`, then stay in it. */
export async function consistently(assertion: () => void | Promise<void>, options: PollOptions = {}): Promise<void> {
  const deadline = performance.now() + (options.timeoutMs ?? 300)
  do {
    await assertion()
    await delay(options.intervalMs ?? 10)
  } while (performance.now() < deadline)
  await assertion()
}
