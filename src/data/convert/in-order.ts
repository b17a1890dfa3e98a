/**
 * Applies `work` to several items at once and yields the results in the order of the items. After an error no further
 * item is taken.
 */
export async function* inOrder<T, R>(
  items: AsyncIterable<T>,
  work: (item: T) => Promise<R>,
  atOnce: number,
): AsyncGenerator<R> {
  const running: Promise<R>[] = []
  for await (const item of items) {
    const result = work(item)
    // Awaited below, possibly after another one has failed.
    result.catch(() => {})
    running.push(result)
    if (running.length >= atOnce) yield await (running.shift() as Promise<R>)
  }
  for (const result of running) yield await result
}
