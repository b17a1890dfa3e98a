import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Assembled } from '../../../src/wire/assembled.ts'
import { makeLayout, placeLayout } from '../../../src/wire/layout.ts'
import { variable } from '../ps/fixtures.ts'

const layout = makeLayout([variable('large', 200_000), variable('small', 10), variable('other', 5)])
const placement = placeLayout(layout, 3)

/** Each element of a variable is its index. */
function flatsOf(): Float32Array[] {
  return placement.shards.map(({ entries, total }) => {
    const flat = new Float32Array(total)
    for (const { offset, start, length } of entries) for (let i = 0; i < length; i++) flat[offset + i] = start + i
    return flat
  })
}

test('a variable in parts is assembled in the order of its elements, when its shards have changed', () => {
  assert.deepEqual(
    placement.shards.map(({ entries }) => entries.some(({ name }) => name === 'large')),
    [true, true, true],
  )
  const { byName, ...weights } = assembled(flatsOf())
  const large = byName.get('large') as Float32Array
  assert.ok(large.every((value) => value === 0))
  for (const shard of [2, 0, 1]) weights.update(shard)
  assert.deepEqual(
    large,
    Float32Array.from({ length: 200_000 }, (_, i) => i),
  )
})

test('a whole variable is a view of its shard, without a copy', () => {
  const flats = flatsOf()
  const { byName } = assembled(flats)
  for (const name of ['small', 'other'])
    assert.ok(
      flats.some(({ buffer }) => buffer === byName.get(name)?.buffer),
      name,
    )
  assert.deepEqual([...(byName.get('other') ?? [])], [0, 1, 2, 3, 4])
})

function assembled(flats: readonly Float32Array[]) {
  const weights = new Assembled(placement, flats)
  return { byName: weights.byName, update: (shard: number) => weights.update(shard) }
}
