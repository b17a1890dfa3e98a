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
/** The default in the README's table by path of the value. */
const rows = new Map(
  [...(await read('README.md')).matchAll(/^\| `([\w.]+)` \| (.+?) \| .+ \|$/gm)].map(([, path = '', text = '']) => [
    path,
    text,
  ]),
)
const resolve = (node: Schema): Schema => schema.definitions[node.$ref?.split('/').at(-1) ?? ''] ?? node
const isTree = (value: unknown): value is Tree => typeof value === 'object' && value !== null && !Array.isArray(value)
/** Values whose fields Kubernetes defines: each has one row in the README, not a row for each field. */
const KUBERNETES_OBJECTS = ['podSecurityContext', 'securityContext', 'resources', 'livenessProbe', 'readinessProbe']

function pathsOf(tree: Tree, prefix = ''): string[] {
  return Object.entries(tree).flatMap(([key, value]) => {
    const path = prefix + key
    const isBranch = isTree(value) && Object.keys(value).length > 0 && !KUBERNETES_OBJECTS.includes(path)
    return isBranch ? pathsOf(value, `${path}.`) : [path]
  })
}

const valueAt = (path: string) => path.split('.').reduce<unknown>((at, key) => (at as Tree | undefined)?.[key], values)
const schemaAt = (path: string) =>
  path.split('.').reduce<Schema | undefined>((at, key) => at && resolve(at).properties?.[key], schema)

test('every value has a row in the README, and every row describes a value', () => {
  assert.deepEqual([...rows.keys()].sort(), pathsOf(values).sort())
})

test('the README has the right defaults', () => {
  for (const [path, text] of rows) {
    if (KUBERNETES_OBJECTS.includes(path)) continue
    assert.deepEqual(JSON.parse(text.replaceAll('`', '')), valueAt(path), path)
  }
})

test('every value is in the schema, and the schema has no other', () => {
  for (const path of pathsOf(values)) assert.ok(schemaAt(path), path)
  const known = (node: Schema, at: unknown, prefix: string): string[] =>
    Object.entries(resolve(node).properties ?? {}).flatMap(([key, field]) => {
      const path = prefix + key
      if (!isTree(at) || !(key in at)) return [path]
      const isLeaf = KUBERNETES_OBJECTS.includes(path) || (isTree(at[key]) && Object.keys(at[key]).length === 0)
      return isLeaf ? [] : known(field, at[key], `${path}.`)
    })
  assert.deepEqual(known(schema, values, ''), [])
})

test('no object in the schema accepts unknown keys', () => {
  const open = (node: Schema, path: string): string[] => {
    const here = node.type === 'object' && node.additionalProperties === undefined ? [path] : []
    const children = [
      ...Object.entries(node.properties ?? {}).map(([key, field]) => [field, `${path}.${key}`] as const),
      ...(node.items ? [[node.items, `${path}[]`] as const] : []),
    ]
    return [...here, ...children.flatMap(([field, at]) => open(field, at))]
  }
  const definitions = Object.entries(schema.definitions).flatMap(([name, node]) => open(node, name))
  // Kubernetes defines the sources of variables and volumes; the API server validates them.
  const kubernetes = /^(env\[?\]?\.valueFrom|env\.valueFrom|volume)\.\w+$/
  assert.deepEqual(
    [...open(schema, ''), ...definitions].filter((path) => !kubernetes.test(path)),
    ['.global'],
  )
})

suite('an unknown key or an invalid value is refused', { skip }, () => {
  const wrong: [string, Tree][] = [
    ['at the top', { replicaCount: 2 }],
    ['one level down', { image: { name: 'x' } }],
    ['deep inside', { metrics: { podMonitor: { intervall: '5s' } } }],
    ['in a security context', { securityContext: { readonlyRootFilesystem: true } }],
    ['in a list', { tolerations: [{ keyy: 'x' }] }],
    ['an unknown log level', { logLevel: 'loud' }],
    ['a namespace with a capital letter', { watchNamespaces: ['Team'] }],
    ['a fractional number of replicas', { replicas: 0.5 }],
    ['a tag instead of a digest', { image: { digest: 'latest' } }],
    ['a hostPath volume', { extraVolumes: [{ name: 'x', hostPath: { path: '/' } }] }],
  ]
  for (const [what, tree] of wrong) {
    test(what, () => {
      const { status, stderr } = template(tree)
      assert.notEqual(status, 0)
      assert.match(stderr, /values don't meet the specifications of the schema/)
    })
  }
})
