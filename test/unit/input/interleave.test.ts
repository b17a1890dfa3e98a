import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ClassLabels } from '../../../src/data/dataset.ts'
import type { ExampleReader } from '../../../src/input/examples.ts'
import { interleaved, unitsAtOnce } from '../../../src/input/interleave.ts'
import { epochs, ListedLeases, readerOf } from './builders.ts'

/** The ids in the order in which they are read, `end` of a unit included. */
async function order(sizes: readonly number[], most: number): Promise<string[]> {
  const found: string[] = []
  for await (const { lease, entry } of interleaved(readerOf(sizes), new ListedLeases(epochs(sizes.length, 1)), most)) {
    const loaded = await entry?.()
    found.push(loaded?.type === 'example' ? loaded.example.id : `end ${lease.unit}`)
  }
  return found
}

test('units are read in turn, and the next lease takes the place of a unit that has ended', async () => {
  assert.deepEqual(await order([3, 1, 2], 2), ['0-0', '1-0', '0-1', 'end 1', '0-2', '2-0', 'end 0', '2-1', 'end 2'])
  assert.deepEqual(await order([2, 0, 1], 1), ['0-0', '0-1', 'end 0', 'end 1', '2-0', 'end 2'])
})

test('every unit that is open is closed when the consumer stops early', async () => {
  const closed: number[] = []
  const reader = readerOf([5, 5, 5])
  const watched: ExampleReader<ClassLabels> = {
    ...reader,
    open(unit) {
      const reading = reader.open(unit)
      const entries = (async function* () {
        try {
          yield* reading.entries
        } finally {
          closed.push(unit)
        }
      })()
      return { ...reading, entries }
    },
  }
  let parts = 0
  for await (const _ of interleaved(watched, new ListedLeases(epochs(3)), 3)) if (++parts === 4) break
  assert.deepEqual(closed.toSorted(), [0, 1, 2])
})

test('a worker reads at most half of its share of the units at once, and no more than eight', () => {
  assert.deepEqual(
    [
      [1, 1],
      [8, 1],
      [8, 2],
      [8, 8],
      [3, 50],
      [1024, 50],
      [1024, 1],
    ].map(([units = 0, workers = 0]) => unitsAtOnce(units, workers)),
    [1, 4, 2, 1, 1, 8, 8],
  )
})
