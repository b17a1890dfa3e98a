/** Shuffles a unit in windows, because a decoded shard may not fit in memory. */
import type { Random } from '../support/random.ts'
import type { Decoded } from './pipeline.ts'

export interface WindowLimits {
  examples: number
  /** Of decoded pixels. A larger picture is a window of its own. */
  bytes: number
}

const WINDOW: WindowLimits = { examples: 4096, bytes: 256 * 2 ** 20 }

/** Every example once, in random order within each window. */
export async function* shuffled<A>(
  examples: AsyncIterable<Decoded<A>>,
  random: Random,
  limits = WINDOW,
): AsyncGenerator<Decoded<A>> {
  let window: Decoded<A>[] = []
  let bytes = 0
  for await (const example of examples) {
    window.push(example)
    const { length } = example.picture.rgb
    bytes += length
    if (window.length < limits.examples && bytes + length <= limits.bytes) continue
    yield* inOrder(window, random)
    window = []
    bytes = 0
  }
  yield* inOrder(window, random)
}

function* inOrder<A>(window: readonly Decoded<A>[], random: Random): Generator<Decoded<A>> {
  for (const i of permutation(window.length, random)) yield window[i] as Decoded<A>
}

/** Fisher-Yates. */
export function permutation(length: number, random: Random): number[] {
  const order = Array.from({ length }, (_, i) => i)
  for (let i = length - 1; i > 0; i--) {
    const j = random.int(i + 1)
    ;[order[i], order[j]] = [order[j] as number, order[i] as number]
  }
  return order
}
