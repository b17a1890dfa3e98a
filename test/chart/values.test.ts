import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { suite, test } from 'node:test'
import { load } from 'js-yaml'
import { skip, template } from './chart.ts'

interface Schema {
  type?: string | string[]
  properties?: Record<string, Schema>
  additionalProperties?: boolean | Schema
  items?: Schema
  anyOf?: Schema[]
  enum?: unknown[]
  $ref?: string
}
type Tree = Record<string, unknown>

const read = (file: string) => readFile(new URL(`../../charts/downpour/${file}`, import.meta.url), 'utf8')
const values = load(await read('values.yaml')) as Tree
const schema = JSON.parse(await read('values.schema.json')) as Schema & { definitions: Record<string, Schema> }
/** Path and default of each row. */
const rows = new Map(
  [...(await read('README.md')).matchAll(/^\| `([\w.]+)` \| (.+?) \| .+ \|$/gm)].map(([, path = '', text = '']) => [
    path,
    text,
  ]),
)
const resolve = (node: Schema): Schema => schema.definitions[node.$ref?.split('/').at(-1) ?? ''] ?? node
const isTree = (value: unknown): value is Tree => typeof value === 'object' && value !== null && !Array.isArray(value)
/** Objects that Kubernetes defines have one row. */
const WHOLE = ['podSecurityContext', 'securityContext', 'resources', 'livenessProbe', 'readinessProbe']

function pathsOf(tree: Tree, prefix = ''): string[] {
  return Object.entries(tree).flatMap(([key, value]) => {
    const path = prefix + key
    const isBranch = isTree(value) && Object.keys(value).length > 0 && !WHOLE.includes(path)
    return isBranch ? pathsOf(value, `${path}.`) : [path]
  })
}

const valueAt = (path: string) => path.split('.').reduce<unknown>((at, key) => (at as Tree | undefined)?.[key], values)
const schemaAt = (path: string) =>
  path.split('.').reduce<Schema | undefined>((at, key) => at && resolve(at).properties?.[key], schema)

test('every value has a row in the README, and every row is a value', () => {
  assert.deepEqual([...rows.keys()].sort(), pathsOf(values).sort())
})

test('the README tells the defaults as they are', () => {
  for (const [path, text] of rows) {
    if (WHOLE.includes(path)) continue
    assert.deepEqual(JSON.parse(text.replaceAll('`', '')), valueAt(path), path)
  }
})

test('every value is in the schema, and the schema knows no other', () => {
  for (const path of pathsOf(values)) assert.ok(schemaAt(path), path)
  const known = (node: Schema, at: unknown, prefix: string): string[] =>
    Object.entries(resolve(node).properties ?? {}).flatMap(([key, field]) => {
      const path = prefix + key
      if (!isTree(at) || !(key in at)) return [path]
      const isWhole = WHOLE.includes(path) || (isTree(at[key]) && Object.keys(at[key]).length === 0)
      return isWhole ? [] : known(field, at[key], `${path}.`)
    })
  assert.deepEqual(known(schema, values, ''), [])
})

test('no place in the schema takes keys that it does not know', () => {
  const open = (node: Schema, path: string): string[] => {
    const here = node.type === 'object' && node.additionalProperties === undefined ? [path] : []
    const children = [
      ...Object.entries(node.properties ?? {}).map(([key, field]) => [field, `${path}.${key}`] as const),
      ...(node.items ? [[node.items, `${path}[]`] as const] : []),
    ]
    return [...here, ...children.flatMap(([field, at]) => open(field, at))]
  }
  const definitions = Object.entries(schema.definitions).flatMap(([name, node]) => open(node, name))
  // Sources of variables and volumes are Kubernetes' own; the API server checks them.
  const kubernetes = /^(env\[?\]?\.valueFrom|env\.valueFrom|volume)\.\w+$/
  assert.deepEqual(
    [...open(schema, ''), ...definitions].filter((path) => !kubernetes.test(path)),
    ['.global'],
  )
})

suite('a value that nobody reads is refused', { skip }, () => {
  const wrong: [string, Tree][] = [
    ['at the top', { replicaCount: 2 }],
    ['one level down', { image: { name: 'x' } }],
    ['deep inside', { metrics: { podMonitor: { intervall: '5s' } } }],
    ['in a security context', { securityContext: { readonlyRootFilesystem: true } }],
    ['in a list', { tolerations: [{ keyy: 'x' }] }],
    ['a level that does not exist', { logLevel: 'loud' }],
    ['a namespace with a capital', { watchNamespaces: ['Team'] }],
    ['no replicas but half of one', { replicas: 0.5 }],
    ['a digest that is none', { image: { digest: 'latest' } }],
    ['a host path', { extraVolumes: [{ name: 'x', hostPath: { path: '/' } }] }],
  ]
  for (const [where, tree] of wrong) {
    test(where, () => {
      const { status, stderr } = template(tree)
      assert.notEqual(status, 0)
      assert.match(stderr, /values don't meet the specifications of the schema/)
    })
  }
})
