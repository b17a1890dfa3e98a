import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { test } from 'node:test'

/** The import table of ARCHITECTURE.md; every room may also import itself and support, and cli every room. */
const TABLE: Record<string, string[]> = {
  support: [],
  contract: [],
  api: ['contract', 'tasks'],
  plan: ['api', 'contract', 'tasks'],
  kube: [],
  operator: ['api', 'plan', 'contract', 'kube', 'metrics', 'server'],
  server: ['api', 'plan', 'contract', 'kube', 'metrics'],
  local: ['local/store', 'local/api', 'local/kubelet', 'api', 'contract'],
  'local/store': ['api', 'contract'],
  'local/api': ['local/store', 'api', 'contract'],
  'local/kubelet': ['local/store', 'api', 'contract'],
  wire: ['contract'],
  checkpoint: ['wire', 'contract'],
  ps: ['wire', 'contract', 'checkpoint', 'metrics'],
  tensor: [],
  models: ['tensor'],
  tasks: ['models', 'tensor', 'data', 'input', 'contract'],
  data: ['contract'],
  input: ['data', 'contract'],
  worker: ['wire', 'contract', 'data', 'input', 'models', 'tasks', 'tensor', 'checkpoint', 'metrics'],
  evaluator: ['wire', 'contract', 'data', 'input', 'models', 'tasks', 'tensor', 'checkpoint', 'metrics'],
  metrics: ['contract'],
}
const FROM = /\bfrom\s*['"](\.[^'"]+)['"]/g
const DYNAMIC = /\bimport\(?\s*['"](\.[^'"]+)['"]/g
const BY_URL = /\bnew URL\(\s*['"](\.[^'"]+\.ts)['"]/g

const sources = globSync('src/**/*.ts').map((file) => ({ file: normalize(file), text: readFileSync(file, 'utf8') }))
/** `src/local/api/http.ts` belongs to local/api, because the table has that folder; other folders belong to their parent. */
function roomOf(path: string): string {
  const [, room = '', inner] = path.split('/')
  return `${room}/${inner}` in TABLE ? `${room}/${inner}` : room
}
const importsOf = (text: string) =>
  [FROM, DYNAMIC, BY_URL].flatMap((pattern) => [...text.matchAll(pattern)].map((match) => match[1] ?? ''))

function violations(room: string, file: string, text: string): string[] {
  if (room === 'cli') return []
  const allowed = [room, 'support', ...(TABLE[room] ?? [])]
  return importsOf(text)
    .map((path) => roomOf(normalize(join(dirname(file), path))))
    .filter((target) => !allowed.includes(target))
    .map((target) => `${file} imports ${target}`)
}

test('every import between rooms is in the table of ARCHITECTURE.md', () => {
  assert.ok(sources.length > 20, 'found the sources')
  assert.deepEqual(
    sources.flatMap(({ file, text }) => violations(roomOf(file), file, text)),
    [],
  )
})

test('the check sees a forbidden import in each form', () => {
  for (const line of [
    `import { x } from '../ps/shard.ts'`,
    `import {\n  a,\n  b,\n} from '../ps/shard.ts'`,
    `export { x } from '../ps/shard.ts'`,
    `import '../ps/shard.ts'`,
    `await import('../ps/shard.ts')`,
    `new Worker(new URL('../ps/shard.ts', import.meta.url))`,
    `import type { X } from '../ps/shard.ts'`,
  ]) {
    assert.deepEqual(violations('worker', 'src/worker/x.ts', line), ['src/worker/x.ts imports ps'], line)
  }
})

test('the API server and the kubelet of local mode share the store alone', () => {
  const line = (path: string) => `import { x } from '${path}'`
  assert.deepEqual(violations('local/api', 'src/local/api/x.ts', line('../store/store.ts')), [])
  for (const [room, path, target] of [
    ['local/api', '../kubelet/kubelet.ts', 'local/kubelet'],
    ['local/kubelet', '../api/server.ts', 'local/api'],
    ['local/store', '../api/server.ts', 'local/api'],
    ['local/api', '../cluster.ts', 'local'],
  ] as const)
    assert.deepEqual(violations(room, `src/${room}/x.ts`, line(path)), [`src/${room}/x.ts imports ${target}`])
})

test('every room of src is in the table', () => {
  const rooms = new Set(sources.map(({ file }) => roomOf(file)))
  for (const room of rooms) assert.ok(room === 'cli' || room in TABLE, `src/${room} is in the table`)
})

test('only main.ts files and the command line read the environment or exit', () => {
  const offenders = sources
    .filter(({ file }) => !file.endsWith('main.ts') && roomOf(file) !== 'cli')
    .filter(({ text }) => /\bprocess\.(env\b|exit\()/.test(text.replace(/\/\*[\s\S]*?\*\/|\/\/.*/g, '')))
    .map(({ file }) => file)
  assert.deepEqual(offenders, [])
})
