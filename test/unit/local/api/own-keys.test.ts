/** In everything that a client sends, `__proto__` and `toString` are ordinary field names. */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { pruned } from '../../../../src/api/pruned.ts'
import { applyPatch } from '../../../../src/local/api/patch.ts'
import { fieldPredicate, labelPredicate } from '../../../../src/local/api/selectors.ts'
import { applyFields } from '../../../../src/local/api/server-side-apply.ts'
import type { Stored } from '../../../../src/local/store/objects.ts'
import { RESOURCES } from '../../../../src/local/store/resources.ts'
import { schemaOf } from '../../../../src/local/store/schema.ts'

const NAMES = ['__proto__', 'constructor', 'toString', 'hasOwnProperty']
const resourceOf = (kind: string) => RESOURCES.find((one) => one.kind === kind) ?? assert.fail(kind)
/** Uses JSON, because an object literal cannot have an own field `__proto__`. */
const holding = (name: string, value: string) => JSON.parse(`{${JSON.stringify(name)}:${value}}`)
const keysOf = (value: unknown) => Object.keys(value as object)

suite('a patch', () => {
  const kinds: [string, string][] = [
    ['application/merge-patch+json', 'PretrainJob'],
    ['application/strategic-merge-patch+json', 'Pod'],
  ]
  for (const [type, kind] of kinds)
    test(`of type ${type} sets, changes and removes fields with inherited names`, () => {
      for (const name of NAMES) {
        const patched = (target: object, value: string) =>
          applyPatch(resourceOf(kind), type, { spec: target }, { spec: holding(name, value) }).spec
        const made = patched({}, '{"a":{"b":1}}') as object
        assert.deepEqual(keysOf(made), [name])
        assert.equal(JSON.stringify(patched(made, '{"a":{"c":2}}')), `{"${name}":{"a":{"b":1,"c":2}}}`)
        assert.deepEqual(keysOf(patched(made, 'null')), [])
        assert.equal(({} as { a?: unknown }).a, undefined)
      }
    })

  test('by server-side apply owns fields with inherited names, and removes those that the manager omits', () => {
    const resource = resourceOf('ConfigMap')
    const applying = { resource, manager: 'm', part: 'object', force: false, nowMs: 0 } as const
    const map = (data: object) => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a' }, data }) as never
    for (const name of NAMES) {
      const made = applyFields(undefined, map(holding(name, '"x"')), applying)
      assert.deepEqual(keysOf(made.data), [name])
      assert.deepEqual(
        made.metadata.managedFields?.map(({ fieldsV1 }) => fieldsV1),
        [{ 'f:data': { [`f:${name}`]: {} } }],
      )
      const after = applyFields(made, map({ other: 'y' }), applying)
      assert.deepEqual(keysOf(after.data), ['other'])
    }
  })

  test('is refused if it makes an object deeper or larger than a request may be', () => {
    const deep = (levels: number): object => (levels === 0 ? {} : { a: deep(levels - 1) })
    const at = (levels: number) => `/spec${'/a'.repeat(levels)}/b`
    const patch = [{ op: 'add', path: at(90), value: deep(90) }]
    const apply = () => applyPatch(resourceOf('Pod'), 'application/json-patch+json', { spec: deep(95) }, patch)
    assert.throws(apply, { httpStatus: 400, message: /nested more than 100 levels deep/ })
    const wide = (prefix: string) => Object.fromEntries(Array.from({ length: 130_000 }, (_, i) => [`${prefix}${i}`, 1]))
    const widen = () => applyPatch(resourceOf('Pod'), 'application/merge-patch+json', wide('a'), wide('b'))
    assert.throws(widen, { httpStatus: 400, message: /more than 250000 values/ })
  })
})

test('pruning reports fields with inherited names as unknown fields at any depth', () => {
  const schema = schemaOf(resourceOf('PretrainJob')) ?? assert.fail()
  for (const name of NAMES) {
    const unknown: string[] = []
    const spec = { ...holding(name, '1'), workers: holding(name, '{"replicas":3}') }
    const kept = pruned(schema, { spec }, '', (path) => unknown.push(path))
    assert.deepEqual(kept, { spec: { workers: {} } })
    assert.deepEqual(unknown.sort(), [`spec.${name}`, `spec.workers.${name}`].sort())
  }
})

test('selectors ignore inherited fields', () => {
  const of = (labels: object) => ({ metadata: { name: 'a', labels } }) as Stored
  for (const name of NAMES) {
    const [without, labelled] = [of({}), of(holding(name, '"x"'))]
    const cases: [string, boolean, boolean][] = [
      [name, false, true],
      [`!${name}`, true, false],
      [`${name}=x`, false, true],
      [`${name}!=x`, true, false],
      [`${name} in (x)`, false, true],
      [`${name} notin (x)`, true, false],
    ]
    for (const [selector, ...wanted] of cases) {
      const matches = labelPredicate(selector)
      assert.deepEqual([matches(without), matches(labelled)], wanted, selector)
    }
    assert.throws(() => fieldPredicate(`${name}=x`, 'Pod'), { httpStatus: 400 })
  }
})
