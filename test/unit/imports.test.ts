import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import {
  circlesOf,
  importGraph,
  importsOf,
  moduleOf,
  parseImportTable,
  readSources,
  type Source,
} from '../support/import-graph.ts'

const table = parseImportTable(readFileSync('ARCHITECTURE.md', 'utf8'))
const sources = readSources()

/** Every module may import itself and support. */
function violations(source: Source): string[] {
  const module = moduleOf(source.file, table)
  const allowed = table.get(module)
  if (table.has(module) && allowed === undefined) return []
  return importsOf(source)
    .map((path) => moduleOf(path, table))
    .filter((target) => ![module, 'support', ...(allowed ?? [])].includes(target))
    .map((target) => `${source.file} imports ${target}`)
}

const line = (path: string) => `import { x } from '${path}'`

test('every import between modules is in the table of ARCHITECTURE.md', () => {
  assert.ok(sources.length > 300, 'found the sources')
  assert.deepEqual(sources.flatMap(violations), [])
})

test('the check sees a forbidden import in each form', () => {
  for (const text of [
    line('../ps/shard.ts'),
    `import {\n  a,\n  b,\n} from '../ps/shard.ts'`,
    `export { x } from '../ps/shard.ts'`,
    `import '../ps/shard.ts'`,
    `await import('../ps/shard.ts')`,
    `new Worker(new URL('../ps/shard.ts', import.meta.url))`,
    `import type { X } from '../ps/shard.ts'`,
  ]) {
    assert.deepEqual(violations({ file: 'src/worker/x.ts', text }), ['src/worker/x.ts imports ps'], text)
  }
})

test('a folder with a row of its own is a module apart from its parent', () => {
  assert.deepEqual(violations({ file: 'src/local/api/x.ts', text: line('../store/store.ts') }), [])
  for (const [module, path, target] of [
    ['local/api', '../kubelet/kubelet.ts', 'local/kubelet'],
    ['local/kubelet', '../api/server.ts', 'local/api'],
    ['local/store', '../api/server.ts', 'local/api'],
    ['local/api', '../cluster.ts', 'local'],
  ] as const)
    assert.deepEqual(violations({ file: `src/${module}/x.ts`, text: line(path) }), [
      `src/${module}/x.ts imports ${target}`,
    ])
})

test('the table names every module, and no module that does not exist', () => {
  const modules = new Set(sources.map(({ file }) => moduleOf(file, table)))
  assert.deepEqual(
    [...modules].filter((module) => !table.has(module)),
    [],
  )
  const allowed = [...table.values()].flatMap((names) => names ?? [])
  assert.deepEqual(
    [...table.keys(), ...allowed].filter((name) => !modules.has(name)),
    [],
  )
})

test('no files import each other, directly or through others', () => {
  assert.deepEqual(circlesOf(importGraph(sources)), [])
})

test('the check finds a circle of two files and one of three, and none in a diamond', () => {
  const [a, b, c, d] = ['a.ts', 'b.ts', 'c.ts', 'd.ts'] as const
  const circles = (imports: [string, string[]][]) => circlesOf(new Map(imports))
  assert.deepEqual(
    circles([
      [a, [b]],
      [b, [a]],
    ]),
    ['a.ts ↔ b.ts'],
  )
  assert.deepEqual(
    circles([
      [a, [b]],
      [b, [c]],
      [c, [a]],
      [d, [a]],
    ]),
    ['a.ts ↔ b.ts ↔ c.ts'],
  )
  assert.deepEqual(
    circles([
      [a, [b, c]],
      [b, [d]],
      [c, [d]],
      [d, []],
    ]),
    [],
  )
})

test('files that run before a recent Node and packages are installed import no TypeScript', () => {
  const scripts = sources.filter(({ file }) => file.endsWith('.mjs'))
  assert.ok(scripts.length > 3, 'found the scripts')
  assert.deepEqual(
    scripts.flatMap(importsOf).filter((path) => !path.endsWith('.mjs')),
    [],
  )
})

test('only main.ts files and the command line read the environment or exit', () => {
  const offenders = sources
    .filter(({ file }) => file.startsWith('src/') && !file.startsWith('src/cli/') && !file.endsWith('main.ts'))
    .filter(({ text }) => /\bprocess\.(env\b|exit\()/.test(text.replace(/\/\*[\s\S]*?\*\/|\/\/.*/g, '')))
    .map(({ file }) => file)
  assert.deepEqual(offenders, [])
})
