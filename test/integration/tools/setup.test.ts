/** Runs set-up in its own folder with a slow script as npm: several at once, and set-ups that are killed. */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import { eventually } from '../../support/eventually.ts'

/** Acts as npm: empties node_modules and fills it. Waits for a file before it continues. */
const NPM = `#!/bin/sh
echo "begin $$" >> "$LEDGER"
mkdir -p node_modules && rm -rf node_modules/* && echo part > node_modules/part-$$
while [ ! -e "$GO" ]; do sleep 0.05; echo more > node_modules/more-$$; done
echo whole > node_modules/whole
echo "end $$" >> "$LEDGER"
`

let folder: string
let children: ChildProcess[] = []
const at = (...names: string[]) => join(folder, ...names)
const ledger = () => (existsSync(at('ledger')) ? readFileSync(at('ledger'), 'utf8').trim().split('\n') : [])
const begun = () => ledger().filter((line) => line.startsWith('begin'))
/** @returns the running npm processes of this test; an ended process that was not reaped has no command line */
const npmProcesses = () =>
  begun()
    .map((line) => `/proc/${line.split(' ')[1]}/cmdline`)
    .filter((file) => existsSync(file) && readFileSync(file, 'utf8').includes(folder))

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'downpour-setup-'))
  children = []
  cpSync('tools', at('tools'), { recursive: true, filter: (path) => path === 'tools' || path.endsWith('.mjs') })
  mkdirSync(at('src', 'support'), { recursive: true })
  cpSync('src/support/cache-root.mjs', at('src', 'support', 'cache-root.mjs'))
  for (const [name, text] of Object.entries({ 'package.json': '{}', 'package-lock.json': '{}', '.npmrc': '' }))
    writeFileSync(at(name), text)
  mkdirSync(at('bin'))
  writeFileSync(at('bin', 'npm'), NPM)
  chmodSync(at('bin', 'npm'), 0o755)
})
afterEach(async () => {
  writeFileSync(at('go'), '')
  for (const child of children) child.kill('SIGKILL')
  // An npm whose folder is gone would never find the file that ends it.
  await eventually(() => assert.deepEqual(npmProcesses(), []))
  await eventually(() => rmSync(folder, { recursive: true, force: true }))
})

interface SetUp {
  child: ChildProcess
  output: () => string
  code: Promise<number>
}

function setUp({ root = folder, flags = [] as string[], environment = {} } = {}): SetUp {
  const ours = { PATH: `${at('bin')}:${process.env.PATH}`, LEDGER: at('ledger'), GO: at('go') }
  const env = { ...ours, DOWNPOUR_CACHE: at('cache'), ...environment }
  const args = [...flags, join(root, 'tools', 'script.mjs')]
  const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'ignore', 'pipe'] })
  children.push(child)
  let printed = ''
  child.stderr.on('data', (text) => (printed += text))
  return { child, output: () => printed, code: once(child, 'exit').then(([code]) => code as number) }
}

const finish = () => writeFileSync(at('go'), '')
const installed = () => [existsSync(at('node_modules', 'whole')), existsSync(at('node_modules', '.downpour-lock'))]

test('one of five simultaneous set-ups installs, and the others report that they wait for it', async () => {
  const all = Array.from({ length: 5 }, () => setUp())
  await eventually(() => assert.equal(all.filter(({ output }) => output().includes('waiting for another')).length, 4))
  const [holder] = all.filter(({ output }) => !output().includes('waiting'))
  for (const { output } of all.filter((one) => one !== holder))
    assert.match(output(), /^set-up: waiting for another set-up in \S+ \(process \d+\) \.\.\.\n$/)
  finish()
  assert.deepEqual(await Promise.all(all.map(({ code }) => code)), [0, 0, 0, 0, 0])
  assert.equal(begun().length, 1)
  assert.deepEqual(installed(), [true, true])
})

test('a killed set-up leaves no lock, and its npm, which still runs, does not disturb the next', async () => {
  const first = setUp()
  await eventually(() => assert.equal(begun().length, 1))
  first.child.kill('SIGKILL')
  await first.code
  const second = setUp()
  await eventually(() => assert.equal(begun().length, 2, second.output()))
  finish()
  assert.equal(await second.code, 0, second.output())
  assert.deepEqual(installed(), [true, true])
})

test('a waiting set-up continues when the one before it is killed', async () => {
  const first = setUp()
  await eventually(() => assert.equal(begun().length, 1))
  const second = setUp()
  await eventually(() => assert.match(second.output(), /waiting/))
  first.child.kill('SIGKILL')
  await eventually(() => assert.equal(begun().length, 2))
  finish()
  assert.equal(await second.code, 0, second.output())
})

test('SIGTERM ends a set-up and its npm', async () => {
  const { child, code } = setUp()
  await eventually(() => assert.equal(begun().length, 1))
  assert.equal(npmProcesses().length, 1)
  child.kill('SIGTERM')
  assert.equal(await code, 143)
  await eventually(() => assert.deepEqual(npmProcesses(), []))
})

test('node_modules of an interrupted npm are replaced completely', async () => {
  mkdirSync(at('node_modules', '.sharp-Xy12'), { recursive: true })
  writeFileSync(at('node_modules', '.sharp-Xy12', 'half'), '')
  finish()
  const { code, output } = setUp()
  assert.equal(await code, 0, output())
  assert.deepEqual([...installed(), existsSync(at('node_modules', '.sharp-Xy12'))], [true, true, false])
  const again = setUp()
  assert.equal(await again.code, 0)
  assert.equal(again.output(), '', 'a repeated set-up prints nothing')
})

/** A script that runs this Node but reports an old version. */
const OLD = [
  '--import',
  `data:text/javascript,${encodeURIComponent("Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '20.1.0' } })")}`,
]
const NODE_PACKAGE = `node-${process.platform}-${process.arch}`
const nodeInCache = () => at('cache', 'node-24.21.0', 'node_modules', NODE_PACKAGE, 'bin', 'node')

/** Makes a second clone with installed dependencies beside the first. */
function clones(): string[] {
  finish()
  const npm = readFileSync(at('bin', 'npm'), 'utf8')
  const addNode = `mkdir -p node_modules/${NODE_PACKAGE}/bin && echo > node_modules/${NODE_PACKAGE}/bin/node`
  writeFileSync(at('bin', 'npm'), `${npm}${addNode}\n`)
  cpSync('tools/node24', at('tools', 'node24'), { recursive: true })
  cpSync('.npmrc', at('tools', 'node24', '.npmrc'))
  for (const part of ['tools', 'src', 'package.json', 'package-lock.json', '.npmrc'])
    cpSync(at(part), at('second', part), { recursive: true })
  return [folder, at('second')]
}

test('two clones that are set up at once share one Node 24 outside of both', async () => {
  const both = clones().map((root) => setUp({ root, flags: OLD }))
  assert.deepEqual(await Promise.all(both.map(({ code }) => code)), [0, 0], both.map(({ output }) => output()).join())
  assert.equal(existsSync(nodeInCache()), true)
  assert.equal(begun().length, 3, 'dependencies of each, and one Node')
})

test('a cache that cannot be written is an error with its folder, the cause and a remedy', async () => {
  clones()
  writeFileSync(at('cache'), 'a file')
  const { code, output } = setUp({ flags: OLD })
  assert.equal(await code, 1)
  const message =
    /set-up: Node 24 \(this machine has 20\.1\.0\) cannot be installed: (\w+): .*cache\/setup.* \(DOWNPOUR_CACHE=\/FOLDER names another cache\)\n$/
  assert.match(output(), message)
})

test('a relative DOWNPOUR_CACHE is refused before anything is written', async () => {
  clones()
  const { code, output } = setUp({ flags: OLD, environment: { DOWNPOUR_CACHE: 'cache' } })
  assert.equal(await code, 1)
  assert.match(output(), /set-up: DOWNPOUR_CACHE=cache: expected an absolute path\n$/)
})
