import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { BackboneName } from '../../../src/models/architectures.ts'
import { sizeOf, type VariableSpec } from '../../../src/support/variables.ts'
import { balance, MIN_PART, type Part } from '../../../src/wire/balance.ts'
import { network } from '../interchange/fixtures.ts'

const loadOf = (parts: readonly Part[]) => parts.reduce((sum, { length }) => sum + length, 0)
const spreadOf = (loads: readonly number[]) => Math.max(...loads) - Math.min(...loads)
const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0)
const isCut = ({ variable: { shape }, length }: Part) => length < sizeOf(shape)

for (const backbone of ['resnet50', 'resnet101', 'resnet152'] satisfies BackboneName[])
  for (const [classes, headSlices] of [
    [1000, 1],
    [18_291, 1],
    [18_291, 50],
  ] as const)
    test(`17 parameter servers hold ${backbone} with ${classes} classes in ${headSlices} slices, within 5%`, () => {
      const { variables } = network({ backbone, classes, headSlices })
      const servers = balance(variables, 17, true)
      const trainable = servers.map((parts) => parts.filter(({ variable: { kind } }) => kind === 'trainable'))
      for (const some of [servers, trainable]) {
        const loads = some.map(loadOf)
        assert.ok(spreadOf(loads) <= (0.05 * sum(loads)) / 17, `${Math.min(...loads)} to ${Math.max(...loads)}`)
      }
    })

test('nothing is cut where whole variables are even already', () => {
  const { variables } = network({ backbone: 'resnet101', classes: 1000 })
  assert.ok(
    balance(variables, 17, true)
      .flat()
      .every((part) => !isCut(part)),
  )
})

/** Sizes from one value to a few million, as in networks. */
const size = fc
  .tuple(fc.integer({ min: 0, max: 20 }), fc.integer({ min: 1, max: 7 }))
  .map(([bits, factor]) => factor << bits)
const models = fc.array(
  fc.record({
    shape: size.map((length) => [length]),
    kind: fc.constantFrom('trainable' as const, 'trainable' as const, 'statistic' as const, 'frozen' as const),
    slice: fc.boolean(),
  }),
  { minLength: 1, maxLength: 60 },
)
const named = (model: readonly Pick<VariableSpec, 'shape' | 'kind' | 'slice'>[]): VariableSpec[] =>
  model.map((one, i) => ({ ...one, name: `v${i}`, decay: true, init: { type: 'zeros' } }))
const count = fc.integer({ min: 1, max: 60 })

test('every element of any model is on one server, and loads are even', () => {
  fc.assert(
    fc.property(models, count, (model, n) => {
      const variables = named(model)
      const servers = balance(variables, n, true)
      assert.deepEqual(balance(structuredClone(variables), n, true), servers)
      for (const { name, shape } of variables) {
        const parts = servers.flat().filter(({ variable }) => variable.name === name)
        parts.sort((a, b) => a.start - b.start)
        const ends = [0, ...parts.map(({ start, length }) => start + length)]
        assert.deepEqual([...parts.map(({ start }) => start), sizeOf(shape)], ends)
      }
      const largestStatistic = Math.max(
        0,
        ...variables.map(({ kind, shape }) => (kind === 'statistic' ? sizeOf(shape) : 0)),
      )
      const loads = servers.map(loadOf)
      const bound = Math.max((0.05 * sum(loads)) / n + 2, 2 * MIN_PART, largestStatistic)
      assert.ok(spreadOf(loads) <= bound, `${spreadOf(loads)} > ${bound}`)
    }),
  )
})

test('parts are few and not small, and a server has at most one of each variable', () => {
  fc.assert(
    fc.property(models, count, (model, n) => {
      const variables = named(model)
      const servers = balance(variables, n, true)
      assert.ok(servers.flat().length <= variables.length + 4 * n)
      for (const part of servers.flat().filter(isCut)) {
        assert.ok(part.length >= MIN_PART)
        assert.notEqual(part.variable.kind, 'statistic')
      }
      for (const parts of servers) assert.equal(new Set(parts.map(({ variable }) => variable)).size, parts.length)
    }),
  )
})

test('no variable is cut on request, and each goes to the emptiest server, the largest first', () => {
  const variables = named([7, 5, 4, 3].map((length) => ({ shape: [length * 100_000], kind: 'trainable' as const })))
  const names = balance(variables, 2, false).map((parts) => parts.map(({ variable }) => variable.name))
  assert.deepEqual(names, [
    ['v0', 'v3'],
    ['v1', 'v2'],
  ])
})
