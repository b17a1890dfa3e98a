/** The state of parameter servers: values that differ from each other, and their comparison bit by bit. */
import type { Shard } from '../../src/ps/shard.ts'
import type { LayoutEntry } from '../../src/wire/layout.ts'

const bytesOf = (values: Float32Array) => Buffer.from(values.buffer, values.byteOffset, values.byteLength)

/** Finite values of any sign and size. */
export function fill(shard: Shard): void {
  for (const [i, flat] of [shard.weights, ...shard.slots.values()].entries()) {
    const bits = new Uint32Array(flat.buffer, flat.byteOffset, flat.length)
    for (let at = 0; at < bits.length; at++) bits[at] = Math.imul(at + 1, 0x9e37_79b1 + 2 * i) & 0xbfff_ffff
  }
}

/** @returns the names of variables and slots of which a value of `part` differs from that of `original` */
export function differences(original: Shard, part: Shard): string[] {
  const whole = new Map(original.layout.entries.map((entry) => [entry.name, entry]))
  return part.layout.entries.flatMap((entry) => {
    const source = whole.get(entry.name)
    const slots = entry.kind === 'trainable' ? [...part.slots] : []
    const pairs = [['weights', part.weights, original.weights] as const].concat(
      slots.map(([name, values]) => [name, values, original.slots.get(name) ?? new Float32Array()] as never),
    )
    return pairs
      .filter(([, mine, theirs]) => !areSame(entry, mine, source, theirs))
      .map(([what]) => `${what} ${entry.name}`)
  })
}

function areSame(
  entry: LayoutEntry,
  mine: Float32Array,
  source: LayoutEntry | undefined,
  theirs: Float32Array,
): boolean {
  if (!source) return false
  const start = source.offset + entry.start
  return bytesOf(mine.subarray(entry.offset, entry.offset + entry.length)).equals(
    bytesOf(theirs.subarray(start, start + entry.length)),
  )
}
