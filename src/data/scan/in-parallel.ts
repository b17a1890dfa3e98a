/** How many run at once: enough to hide the latency of network storage, with few open files. */
const AT_ONCE = 16

/** @returns results in the order of the items */
export async function inParallel<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results = new Array<R>(items.length)
  // All lanes draw from one iterator, so a slow item holds up its own lane only.
  const remaining = items.entries()
  const lane = async () => {
    for (const [i, item] of remaining) results[i] = await work(item)
  }
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, items.length) }, lane))
  return results
}
