/** Reads the units of several leases in turn, so that neighbours in a batch are not neighbours in a file. */
import type { Lease } from '../contract/exchange.ts'
import type { LeaseSource } from './batch.ts'
import type { Entry, ExampleReader, Reading } from './examples.ts'

/** The units of a lost worker are read again as a whole, so it should not hold many. */
const MOST_UNITS = 8

/** The next entry of a leased unit; without an entry, the unit has ended. */
export interface Part<A> {
  readonly lease: Lease
  readonly reading: Reading<A>
  readonly entry?: Entry<A>
}

/**
 * How many units a worker reads in turn: at most half of its share of an epoch. With more, it would hold units of the next
 * epoch while others still read this one.
 */
export function unitsAtOnce(units: number, workers: number): number {
  return Math.max(1, Math.min(MOST_UNITS, Math.floor(units / workers / 2)))
}

/**
 * One entry of each of `most` units in turn. A unit that has ended is replaced by the next lease.
 * @throws DownpourError DATA_UNREADABLE, DATA_DIFFERS
 */
export async function* interleaved<A>(
  { open }: ExampleReader<A>,
  leases: LeaseSource,
  most: number,
): AsyncGenerator<Part<A>> {
  const turns: Part<A>[] = []
  let isOver = false
  try {
    for (;;) {
      while (!isOver && turns.length < most) {
        const lease = await leases.next()
        if (lease) turns.push({ lease, reading: open(lease.unit) })
        else isOver = true
      }
      const part = turns.shift()
      if (!part) return
      const { value: entry, done } = await part.reading.entries.next()
      if (!done) turns.push(part)
      yield done ? part : { ...part, entry }
    }
  } finally {
    await Promise.all(turns.map(({ reading }) => reading.entries.return(undefined)))
  }
}
