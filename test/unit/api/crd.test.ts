import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { suite, test } from 'node:test'
import { loadAll } from 'js-yaml'
import { z } from 'zod'
import { crdFor } from '../../../src/api/crd.ts'
import { FINETUNE_RECIPES, PRETRAIN_RECIPES } from '../../../src/api/presets.ts'
import { PRINTER_COLUMNS } from '../../../src/api/printer-columns.ts'
import type { Schema } from '../../../src/api/schema.ts'
import { JobStatus } from '../../../src/api/status.ts'
import { structuralSchema } from '../../../src/api/structural.ts'
import { JOB_KINDS, type JobKind } from '../../../src/contract/names.ts'
import { COLUMNS } from '../../../src/local/api/columns.ts'
import { crdObjects } from '../../../src/local/crds.ts'
import { buildKernels } from '../../../tools/build-kernels.ts'
import { crdFile } from '../../../tools/generate.ts'
import { crdIssues } from '../../support/crd-server.ts'
import { pretrain } from '../../support/job-cases.ts'

const MAX_BYTES = 256 * 1024
const rootOf = (kind: JobKind) => crdFor(kind).spec.versions[0]?.schema.openAPIV3Schema as Schema
type Node = { path: string; schema: Schema }

/** @returns the path and schema of every field, in order */
function nodesOf(schema: Schema, path = ''): Node[] {
  const fields = Object.entries(schema.properties ?? {}).flatMap(([name, field]) => nodesOf(field, `${path}.${name}`))
  const items = schema.items ? nodesOf(schema.items, `${path}[]`) : []
  const map = typeof schema.additionalProperties === 'object' ? nodesOf(schema.additionalProperties, `${path}.*`) : []
  return [{ path, schema }, ...fields, ...items, ...map]
}

suite('`npm run generate` would not change', () => {
  for (const kind of JOB_KINDS) {
    test(`the CRD of ${kind}`, async () => {
      const { url, text } = crdFile(kind)
      assert.equal(await readFile(url, 'utf8'), text)
      const bytes = Buffer.byteLength(JSON.stringify(crdFor(kind)))
      assert.ok(bytes <= MAX_BYTES, 'kubectl apply stores a copy as JSON in an annotation of at most 256 KiB')
      assert.deepEqual(loadAll(text), [JSON.parse(JSON.stringify(crdFor(kind)))])
    })
  }

  test('the optimizer kernels', async () => {
    const committed = await readFile(new URL('../../../src/ps/kernels.wasm', import.meta.url))
    assert.deepEqual(committed, Buffer.from(await buildKernels()))
  })
})

for (const kind of JOB_KINDS) {
  suite(`the schema of ${kind} is structural`, () => {
    const nodes = nodesOf(rootOf(kind))
    const all = (what: string, holds: (node: Node) => boolean) =>
      test(what, () =>
        assert.deepEqual(
          nodes.filter((node) => !holds(node)).map(({ path }) => path),
          [],
        ),
      )

    all('every field has a description for kubectl explain, except fields of a pod', ({ path, schema }) =>
      /\.(apiVersion|kind|metadata|name)$|\[\]$|\.\*$|^$|\.(volumes|env|volumeMounts|tolerations|securityContext)(\.|\[)/.test(
        path,
      )
        ? true
        : (schema.description ?? '').length > 10,
    )

    all(
      'no default is inside a list, because clients that compare it with the applied list would always see a change',
      ({ path, schema }) => !path.includes('[]') || schema.default === undefined,
    )

    all('every field has one type', ({ schema }) =>
      schema['x-kubernetes-int-or-string'] ? schema.type === undefined : schema.type !== undefined,
    )
    all('no field forbids others beside it', ({ schema }) => !(schema.properties && 'additionalProperties' in schema))
    all(
      'no schema uses $ref or alternatives',
      ({ schema }) => !['$ref', 'oneOf', 'allOf', 'not'].some((word) => word in schema),
    )
    all('patterns are in the syntax of RE2', ({ schema }) => !/\(\?/.test(schema.pattern ?? ''))
    all(
      'whole numbers have a format',
      ({ schema }) => schema.type !== 'integer' || /^int(32|64)$/.test(schema.format ?? ''),
    )
    all('lists say how they merge, and maps by which key', ({ schema }) => {
      const keys = schema['x-kubernetes-list-map-keys'] as string[] | undefined
      if (schema.type !== 'array') return true
      if (schema['x-kubernetes-list-type'] !== 'map')
        return /^(set|atomic)$/.test(String(schema['x-kubernetes-list-type']))
      return keys?.every((key) => schema.items?.required?.includes(key)) ?? false
    })
    all(
      'lists of the spec are bounded, because the API server limits the cost of rules',
      ({ path, schema }) => schema.type !== 'array' || !path.startsWith('.spec') || 'maxItems' in schema,
    )
  })

  test(`${kind} has no default for a field that a preset may set`, () => {
    const recipes = Object.values(kind === 'PretrainJob' ? PRETRAIN_RECIPES : FINETUNE_RECIPES)
    const filled = new Set(recipes.flatMap((recipe) => Object.keys(recipe)))
    const defaults = nodesOf(rootOf(kind)).filter(({ schema }) => 'default' in schema)
    assert.ok(defaults.some(({ path }) => path === '.spec.backoffLimit'))
    const field = (path: string) => /^\.spec(?:\.transfers\[\]\.template)?\.(\w+)/.exec(path)?.[1] ?? ''
    assert.deepEqual(
      // A job sets its whole task, so no preset sets the type alone.
      defaults.filter(({ path }) => filled.has(field(path)) && path !== '.spec.task.type'),
      [],
    )
  })
}

test('both kinds can be listed together, scaled, and called by their short names', () => {
  const [pj, fj] = JOB_KINDS.map((kind) => crdFor(kind))
  assert.deepEqual(pj?.spec.names.shortNames, ['pj'])
  assert.deepEqual(fj?.spec.names.shortNames, ['fj'])
  for (const crd of JOB_KINDS.map(crdFor)) {
    assert.deepEqual(crd.spec.names.categories, ['downpour'])
    const { subresources } = crd.spec.versions[0] as unknown as { subresources: object }
    assert.deepEqual(subresources, {
      status: {},
      scale: {
        specReplicasPath: '.spec.workers.replicas',
        statusReplicasPath: '.status.workersReady',
        labelSelectorPath: '.status.workerSelector',
      },
    })
  }
})

suite('printer columns', () => {
  const fields = new Set(nodesOf(structuralSchema(JobStatus), '.status').map(({ path }) => path))
  for (const kind of JOB_KINDS) {
    test(`of ${kind} show existing fields, in a cluster and in local mode`, () => {
      const names = PRINTER_COLUMNS[kind].map(({ name }) => name)
      const result = kind === 'PretrainJob' ? 'Loss' : 'Metric'
      assert.deepEqual(names, ['Phase', 'Step', 'Progress', result, 'PS', 'Workers', 'Restarts', 'Age'])
      assert.deepEqual(
        COLUMNS[kind]?.map(({ name }) => name),
        names,
      )
      for (const { jsonPath } of PRINTER_COLUMNS[kind]) {
        assert.ok(jsonPath === '.metadata.creationTimestamp' || fields.has(jsonPath), jsonPath)
      }
    })
  }

  test('show the same fields in local mode', () => {
    const status = { phase: 'Running', progress: { step: 12, percent: '1%', loss: 0.5 }, restarts: { total: 2 } }
    const object = { metadata: { name: 'jft', creationTimestamp: '2026-01-01T00:00:00Z' }, status } as never
    const now = Date.UTC(2026, 0, 1, 0, 5)
    const cells = COLUMNS.PretrainJob?.map(({ cell }) => cell(object, now))
    assert.deepEqual(cells, ['Running', 12, '1%', 0.5, undefined, undefined, 2, '5m'])
  })
})

test('local mode serves the CRDs as established', () => {
  for (const definition of crdObjects()) {
    const { conditions } = definition.status as { conditions: { type: string; status: string }[] }
    assert.ok(conditions.some(({ type, status }) => type === 'Established' && status === 'True'))
    assert.ok(JSON.stringify(definition).includes('openAPIV3Schema'))
  }
})

test('a status of an earlier version with fewer fields can still be written', () => {
  const issues = crdIssues('PretrainJob', { ...pretrain(), status: { phase: 'Running', progress: { step: 3 } } })
  assert.deepEqual(issues, [])
})

suite('the generator refuses a type that no CRD can express:', () => {
  const refused: [string, z.ZodType, RegExp][] = [
    ['a union of objects', z.object({ a: z.union([z.string(), z.boolean()]) }), /\.a: a union other than/],
    ['a lookahead', z.object({ a: z.string().regex(/^(?!x)/) }), /\.a: a lookahead/],
    ['two patterns', z.object({ a: z.string().regex(/a/).regex(/b/) }), /\.a: a sum of parts/],
    ['a map beside fields', z.object({ a: z.string() }).catchall(z.string()), /a map beside named fields/],
    [
      'recursion',
      z.object({
        get a() {
          return z.optional(Tree)
        },
      }),
      /\.a: a sum of parts/,
    ],
  ]
  for (const [name, type, message] of refused) {
    test(name, () => assert.throws(() => structuralSchema(type), { code: 'BUG_NOT_STRUCTURAL', message }))
  }
  test('variants that disagree on a field', () => {
    const union = z.discriminatedUnion('type', [
      z.object({ type: z.literal('a'), x: z.int() }),
      z.object({ type: z.literal('b'), x: z.string() }),
    ])
    assert.throws(() => structuralSchema(union), { code: 'BUG_NOT_STRUCTURAL', message: /\.x: differs between types/ })
  })
})

const Tree: z.ZodType = z.object({
  get child() {
    return z.optional(Tree)
  },
})
