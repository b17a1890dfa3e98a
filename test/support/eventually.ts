import { setTimeout as delay } from 'node:timers/promises'

export interface PollOptions {
  /** Milliseconds; default 5000 for `eventually`, 300 for `consistently`. */
  timeoutMs?: number
  /** Milliseconds between two attempts; default 10. */
  intervalMs?: number
}

/** Repeats an assertion until it holds, and returns its result. After the deadline it throws the last failure. */
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

/** Checks that the assertion holds during the whole time. Reach the state with `eventually` first. */
export async function consistently(assertion: () => void | Promise<void>, options: PollOptions = {}): Promise<void> {
  const deadline = performance.now() + (options.timeoutMs ?? 300)
  do {
    await assertion()
    await delay(options.intervalMs ?? 10)
  } while (performance.now() < deadline)
  await assertion()
}
