// Set-up for `npm start` and `npm test`. Plain JavaScript for Node 18: it must run before anything is installed.
// Says one line a step; a step that is already done costs a file read and says nothing.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { copyFileSync, existsSync, mkdirSync, readFileSync, realpathSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const NEEDED = [22, 19]
const NODE_24 = join(root, '.cache', 'node24')
const NODE_24_BINARY = join(NODE_24, 'node_modules', `node-${process.platform}-${process.arch}`, 'bin', 'node')

/** Installs what is missing and returns the path of a Node that can run Downpour. */
export function setUp() {
  installFromLock(root, root, 'dependencies')
  return process.env.DOWNPOUR_NODE ?? nodeForDownpour()
}

/** Node strips the types of src/ by itself from 22.18 on. */
export function isRecentNode([major, minor] = process.versions.node.split('.').map(Number)) {
  return major > NEEDED[0] || (major === NEEDED[0] && minor >= NEEDED[1])
}

/** Another Node than this one that can run Downpour and is there without installing anything; undefined: none. */
export function findNode() {
  const others = [process.env.DOWNPOUR_NODE, NODE_24_BINARY].filter((node) => node && existsSync(node))
  return others.find((node) => realpathSync(node) !== process.execPath)
}

/** Runs `args` with Downpour's Node, passing signals through, and exits as the child did. */
export async function runWithNode(node, args, { cwd = root } = {}) {
  const { spawn } = await import('node:child_process')
  const env = { ...process.env, PATH: `${dirname(node)}:${process.env.PATH}` }
  const child = spawn(node, args, { cwd, stdio: 'inherit', env })
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
  child.on('error', (error) => fail(`cannot start ${node}: ${error.message}`))
  child.on('exit', (code, signal) => process.exit(signal ? 130 : code))
}

function nodeForDownpour() {
  if (isRecentNode()) return process.execPath
  installFromLock(join(root, 'tools', 'node24'), NODE_24, `Node 24 (this machine has ${process.versions.node})`)
  if (!existsSync(NODE_24_BINARY)) {
    fail(
      `no Node 24 package for ${process.platform}-${process.arch}: install Node >= ${NEEDED.join('.')} and run again`,
    )
  }
  return NODE_24_BINARY
}

/** `npm ci` of the lock file in `source` into `target`, skipped while a stamp says that this very lock is installed. */
function installFromLock(source, target, what) {
  const lock = readFileSync(join(source, 'package-lock.json'))
  const wanted = createHash('sha256').update(lock).digest('hex')
  const stamp = join(target, 'node_modules', '.downpour-lock')
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return
  const started = Date.now()
  process.stderr.write(`set-up: installing ${what} from the lock file ... `)
  if (source !== target) copyLock(source, target)
  const npm = spawnSync('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: target,
    encoding: 'utf8',
    shell: process.platform === 'win32',
  })
  if (npm.status !== 0) {
    process.stderr.write('failed\n')
    fail(`npm ci failed in ${target}: ${npm.error?.message ?? npm.stderr}`)
  }
  writeFileSync(stamp, wanted)
  process.stderr.write(`${((Date.now() - started) / 1000).toFixed(1)} s\n`)
}

function copyLock(source, target) {
  mkdirSync(target, { recursive: true })
  for (const file of ['package.json', 'package-lock.json', '.npmrc']) {
    copyFileSync(join(source, file), join(target, file))
  }
}

function fail(message) {
  process.stderr.write(`set-up: ${message}\n`)
  process.exit(1)
}
