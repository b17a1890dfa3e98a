export interface MapResult<I, R> {
  /** Results of the successful calls, in the order of the items. */
  values: R[]
  errors: { item: I; error: unknown }[]
}

type Outcome<I, R> = { value: R } | { item: I; error: unknown }

/** Calls `fn` for every item, at most `limit` at once. A failure does not stop the others. */
export async function mapLimit<I, R>(
  items: readonly I[],
  limit: number,
  fn: (item: I) => Promise<R>,
): Promise<MapResult<I, R>> {
  const outcomes = new Array<Outcome<I, R>>(items.length)
  // All workers share one iterator, so a slow item delays only the worker that handles it.
  const remaining = items.entries()
  const worker = async () => {
    for (const [index, item] of remaining) {
      try {
        outcomes[index] = { value: await fn(item) }
      } catch (error) {
        outcomes[index] = { item, error }
      }
    }
  }
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, worker))
  return {
    values: outcomes.flatMap((outcome) => ('value' in outcome ? [outcome.value] : [])),
    errors: outcomes.flatMap((outcome) => ('error' in outcome ? [outcome] : [])),
  }
}
