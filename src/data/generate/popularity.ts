import type { Random } from '../../support/random.ts'

/** Cumulative shares of a Zipf law, share ∝ 1 / rank^exponent, over `count` classes in random order of popularity. */
export function zipf(count: number, exponent: number, random: Random): number[] {
  const ranks = Array.from({ length: count }, (_, i) => ({ i, key: random.next() })).sort((a, b) => a.key - b.key)
  const weights = new Array<number>(count)
  ranks.forEach(({ i }, rank) => {
    weights[i] = 1 / (rank + 1) ** exponent
  })
  const total = weights.reduce((a, b) => a + b, 0)
  let sum = 0
  return weights.map((weight) => (sum += weight / total))
}

/** A random index, distributed by the shares. */
export function draw(cumulative: readonly number[], random: Random): number {
  const point = random.next()
  const at = cumulative.findIndex((sum) => point < sum)
  return at < 0 ? cumulative.length - 1 : at
}
