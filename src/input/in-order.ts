/** Works on several items at the same time and gives the results in the order of the items. */

/** How many items are begun for each that is worked on: others go on while the first takes long. */
const AHEAD = 2

type Outcome<R> = { readonly ok: true; readonly value: R } | { readonly ok: false; readonly error: unknown }

/**
 * Reads items only when a result is requested, so what a source yields never depends on how long the work takes. An error of
 * the source or of the work is thrown after the results of the items before it.
 * @param atOnce how many items are worked on at the same time
 */
export async function* inOrder<T, R>(
  items: AsyncIterable<T>,
  atOnce: number,
  work: (item: T) => Promise<R>,
): AsyncGenerator<R> {
  const source = items[Symbol.asyncIterator]()
  const limited = limiter(atOnce)
  const begun: Promise<Outcome<R>>[] = []
  let isOver = false
  try {
    for (;;) {
      while (!isOver && begun.length < AHEAD * atOnce) {
        const next = await outcomeOf(source.next())
        isOver = !next.ok || next.value.done === true
        if (!next.ok) begun.push(Promise.resolve(next))
        else if (!next.value.done) begun.push(outcomeOf(limited(work, next.value.value)))
      }
      const first = await begun.shift()
      if (!first) return
      if (!first.ok) throw first.error
      yield first.value
    }
  } finally {
    await source.return?.()
  }
}

/** Never rejects, because nobody waits yet for items further back. */
function outcomeOf<R>(promise: Promise<R>): Promise<Outcome<R>> {
  return promise.then(
    (value) => ({ ok: true, value }),
    (error) => ({ ok: false, error }),
  )
}

/** @returns a function that runs work, at most `most` at the same time, in the order of its calls */
function limiter(most: number) {
  const waiting: (() => void)[] = []
  let free = most
  return async <T, R>(work: (item: T) => Promise<R>, item: T): Promise<R> => {
    if (free > 0) free--
    else await new Promise<void>((resolve) => waiting.push(resolve))
    try {
      return await work(item)
    } finally {
      const next = waiting.shift()
      if (next) next()
      else free++
    }
  }
}
