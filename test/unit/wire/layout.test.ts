import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { VariableSpec } from '../../../src/support/variables.ts'
import { makeLayout, placeLayout, viewsOf, wholeLayout } from '../../../src/wire/layout.ts'

function variable(name: string, shape: number[], more: Partial<VariableSpec> = {}): VariableSpec {
  return { name, shape, kind: 'trainable', decay: true, init: { type: 'zeros' }, ...more }
}

/** The head in the paper: 18,291 labels in 50 slices of 2048 features; the first 41 slices have one label more. */
const head = Array.from({ length: 50 }, (_, i) =>
  variable(`head/slice_${i}/weights`, [2048, i < 41 ? 366 : 365], { slice: true, restored: false }),
)
const backbone = Array.from({ length: 100 }, (_, i) => variable(`conv_${i}`, [3, 3, 64 + i, 64]))

test('of 17 parameter servers, sixteen hold three of fifty slices and one holds two', () => {
  const { shards } = placeLayout(makeLayout([...backbone, ...head]), 17)
  const slices = shards.map(({ entries }) => entries.filter(({ slice }) => slice).length)
  assert.deepEqual(
    slices.sort((a, b) => a - b),
    [2, ...Array.from({ length: 16 }, () => 3)],
  )
})

test('the other variables balance the bytes of the shards', () => {
  const loads = placeLayout(makeLayout([...backbone, ...head]), 17).shards.map(({ total }) => total)
  const mean = loads.reduce((sum, load) => sum + load, 0) / loads.length
  assert.ok(Math.max(...loads) < 1.15 * mean, `heaviest ${Math.max(...loads)}, mean ${mean}`)
})

const models = fc
  .uniqueArray(fc.string({ minLength: 1, maxLength: 8 }), { minLength: 1, maxLength: 20 })
  .chain((names) =>
    fc.tuple(
      ...names.map((name) =>
        fc.record({
          name: fc.constant(name),
          shape: fc.array(fc.integer({ min: 1, max: 5 }), { maxLength: 3 }),
          kind: fc.constantFrom('trainable' as const, 'statistic' as const, 'frozen' as const),
          decay: fc.boolean(),
          init: fc.constant({ type: 'zeros' as const }),
          slice: fc.boolean(),
        }),
      ),
    ),
  )

test('every variable is on exactly one shard, deterministically, in the order of a push', () => {
  fc.assert(
    fc.property(models, fc.integer({ min: 1, max: 6 }), (variables, servers) => {
      const placement = placeLayout(makeLayout(variables), servers)
      assert.deepEqual(placement, placeLayout(makeLayout(structuredClone(variables)), servers))
      const placed = placement.shards.flatMap(({ entries }) => entries.map(({ name }) => name))
      assert.deepEqual(placed.sort(), variables.map(({ name }) => name).sort())
      for (const { entries, trainable, statistic, total } of placement.shards) {
        let at = 0
        for (const { kind, offset, length } of entries) {
          assert.equal(offset, at)
          const zone = offset < trainable ? 'trainable' : offset < trainable + statistic ? 'statistic' : 'frozen'
          assert.equal(kind, zone)
          at += length
        }
        assert.equal(at, total)
      }
    }),
  )
})

test('the hash depends on every field and the order, and on nothing else', () => {
  const base = variable('w', [2, 3], { init: { type: 'normal', stddev: 1 } })
  const hashOf = (...variables: VariableSpec[]) => makeLayout(variables).hash
  assert.equal(hashOf(base), hashOf({ ...base, slice: false }))
  const others: VariableSpec[] = [
    { ...base, name: 'v' },
    { ...base, shape: [3, 2] },
    { ...base, kind: 'frozen' },
    { ...base, decay: false },
    { ...base, init: { type: 'normal', stddev: 2 } },
    { ...base, slice: true },
    { ...base, restored: false },
    { ...base, learningRateMultiplier: 10 },
  ]
  const hashes = new Set([base, ...others].map((one) => hashOf(one)))
  assert.equal(hashes.size, others.length + 1)
  const second = variable('z', [1])
  assert.notEqual(hashOf(base, second), hashOf(second, base))
})

test('a layout without variables or with a repeated name is refused', () => {
  assert.throws(() => makeLayout([]), { code: 'LAYOUT_INVALID' })
  assert.throws(() => makeLayout([variable('w', [1]), variable('w', [2])]), { code: 'LAYOUT_INVALID', message: /'w'/ })
})

test('the whole model is laid out as the shard of a single parameter server', () => {
  const kinds = [variable('mean', [4], { kind: 'statistic' }), variable('fixed', [3], { kind: 'frozen' })]
  for (const variables of [[...kinds, ...backbone, ...head], [...head, ...kinds], kinds])
    assert.deepEqual([wholeLayout({ variables })], placeLayout(makeLayout(variables), 1).shards)
})

test('views by name share the memory of the flat array', () => {
  const [shard] = placeLayout(makeLayout([variable('a', [2]), variable('b', [3])]), 1).shards
  const flat = new Float32Array(5)
  viewsOf(shard?.entries ?? [], flat)
    .get('a')
    ?.fill(7)
  assert.equal(flat.filter((value) => value === 7).length, 2)
})
