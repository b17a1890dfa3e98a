/** Pulls that wait until the asynchrony policy lets their worker go on. */

/** A worker that waits longer is told to ask again, so that no request stays open for long. */
const AT_MOST_MS = 1000

export class Turns {
  readonly #checks = new Set<() => void>()

  /** Resolves when `mayGo` holds, or after `atMostMs`. */
  async wait(mayGo: () => boolean, atMostMs = AT_MOST_MS): Promise<void> {
    if (mayGo()) return
    const { promise, resolve } = Promise.withResolvers<void>()
    const check = () => {
      if (mayGo()) resolve()
    }
    const timer = setTimeout(resolve, atMostMs)
    this.#checks.add(check)
    await promise
    clearTimeout(timer)
    this.#checks.delete(check)
  }

  /** Call after anything that `mayGo` of a waiting pull depends on. */
  wake(): void {
    for (const check of this.#checks) check()
  }
}
