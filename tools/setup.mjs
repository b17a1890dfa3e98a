// Set-up for `npm start` and `npm test`. Plain JavaScript for Node 18: it must run before anything is installed.
// Says one line a step; a step that is already done costs a file read and says nothing.
import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { constants } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { isAlive, starters } from './processes.mjs'
import { lockSetUp } from './setup-lock.mjs'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const NEEDED = [22, 19]
/** Of set-ups under way; on the file system of node_modules, so that folders can be moved. */
const WORK = join(root, '.cache', 'setup')
const STAMP = '.downpour-lock'
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP']
const WATCH_EVERY_MS = 500
/** Read by `downpour run`. */
const STARTED_BY = 'DOWNPOUR_STARTED_BY'
/** Found now: one that is killed later is not to be taken for another. */
const STARTERS = starters()
const NODE_24 = join(root, '.cache', 'node24')
const NODE_24_BINARY = join(NODE_24, 'node_modules', `node-${process.platform}-${process.arch}`, 'bin', 'node')

/** Installs what is missing and returns the path of a Node that can run Downpour. */
export async function setUp() {
  await installFromLock(root, root, 'dependencies')
  return chosenNode() ?? nodeForDownpour()
}

/** Node strips the types of src/ by itself from 22.18 on. */
export function isRecentNode([major, minor] = process.versions.node.split('.').map(Number)) {
  return major > NEEDED[0] || (major === NEEDED[0] && minor >= NEEDED[1])
}

/** Another Node than this one that can run Downpour and is there without installing anything; undefined: none. */
export function findNode() {
  return chosenNode() ?? (existsSync(NODE_24_BINARY) ? NODE_24_BINARY : undefined)
}

/**
 * The one that DOWNPOUR_NODE names, which is asked for its version: it may be a script that runs another, and an old one
 * would hand over to itself for ever.
 */
function chosenNode() {
  const node = process.env.DOWNPOUR_NODE
  if (!node) return undefined
  const { stdout, stderr, error, status } = spawnSync(node, ['--version'], { encoding: 'utf8' })
  const version = /^v(\d+)\.(\d+)\.\d+/.exec(stdout ?? '')
  if (version && isRecentNode([Number(version[1]), Number(version[2])])) return node
  const found = version?.[0] ?? error?.message ?? `it is no Node (--version ended with ${status}${firstLineOf(stderr)})`
  fail(`DOWNPOUR_NODE=${node}: expected a Node >= ${NEEDED.join('.')}, found: ${found}`)
}

function firstLineOf(text) {
  return text ? `: ${text.split('\n')[0]}` : ''
}

/**
 * Runs `args` with Downpour's Node, passing signals through, and exits as the child did. The child is told who started it,
 * so that it can end when one of them is killed without a word.
 */
export async function runWithNode(node, args, { cwd = root } = {}) {
  const startedBy = [process.env[STARTED_BY], ...STARTERS].filter(Boolean).join(',')
  const env = { ...process.env, PATH: `${dirname(node)}:${process.env.PATH}`, [STARTED_BY]: startedBy }
  const child = spawn(node, args, { cwd, stdio: 'inherit', env })
  for (const signal of SIGNALS) process.on(signal, () => child.kill(signal))
  child.on('error', (error) => fail(`cannot start ${node}: ${error.message}`))
  child.on('exit', (code, signal) => process.exit(signal ? codeOf(signal) : code))
}

/** As a shell counts. */
function codeOf(signal) {
  return 128 + constants.signals[signal]
}

async function nodeForDownpour() {
  if (isRecentNode()) return process.execPath
  await installFromLock(join(root, 'tools', 'node24'), NODE_24, `Node 24 (this machine has ${process.versions.node})`)
  if (!existsSync(NODE_24_BINARY)) {
    fail(
      `no Node 24 package for ${process.platform}-${process.arch}: install Node >= ${NEEDED.join('.')} and run again`,
    )
  }
  return NODE_24_BINARY
}

/**
 * `npm ci` of the lock file in `source` for `target`, skipped while a stamp says that this very lock is installed. It goes
 * into a folder of its own, which takes the place of node_modules when it is whole: a set-up that was killed leaves what
 * was there, and an npm that outlived it writes where nobody looks.
 */
async function installFromLock(source, target, what) {
  if (isInstalled(source, target)) return
  const giveBack = await lockSetUp(join(WORK, 'lock'), (holder) =>
    process.stderr.write(`set-up: waiting for another set-up in this folder (process ${holder}) ...\n`),
  )
  try {
    if (!isInstalled(source, target)) await install(source, target, what)
  } catch (error) {
    fail(`${what} cannot be installed: ${error.message}`)
  } finally {
    giveBack()
  }
}

function isInstalled(source, target) {
  const stamp = join(target, 'node_modules', STAMP)
  return existsSync(stamp) && readFileSync(stamp, 'utf8') === digestOf(source)
}

function digestOf(source) {
  const lock = readFileSync(join(source, 'package-lock.json'))
  return createHash('sha256').update(lock).digest('hex')
}

async function install(source, target, what) {
  const startedMs = performance.now()
  process.stderr.write(`set-up: installing ${what} from the lock file ... `)
  for (const name of readdirSync(WORK).filter((one) => one.startsWith('install-'))) discard(join(WORK, name))
  const work = mkdtempSync(join(WORK, 'install-'))
  copyLock(source, work)
  await npmCi(work)
  writeFileSync(join(work, 'node_modules', STAMP), digestOf(source))
  mkdirSync(target, { recursive: true })
  replaceFolder(join(target, 'node_modules'), join(work, 'node_modules'), join(work, 'former'))
  discard(work)
  process.stderr.write(`${((performance.now() - startedMs) / 1000).toFixed(1)} s\n`)
}

/** Ends with this process, and with whoever started it. */
function npmCi(cwd) {
  const words = ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error']
  let npm
  const stop = (signal) => {
    npm.kill()
    process.stderr.write('stopped\n')
    process.exit(codeOf(signal))
  }
  // Before npm starts: a signal that arrived between the two would end this process and leave npm running.
  for (const signal of SIGNALS) process.once(signal, stop)
  npm = spawn('npm', words, { cwd, stdio: ['ignore', 'ignore', 'pipe'], shell: process.platform === 'win32' })
  let complaint = ''
  npm.stderr.setEncoding('utf8').on('data', (text) => (complaint += text))
  const watch = setInterval(() => STARTERS.every(isAlive) || stop('SIGHUP'), WATCH_EVERY_MS)
  return new Promise((done) => {
    const end = (problem) => {
      clearInterval(watch)
      for (const signal of SIGNALS) process.off(signal, stop)
      if (problem === undefined) return done()
      process.stderr.write('failed\n')
      fail(`npm ci failed in ${cwd}: ${problem}`)
    }
    npm.on('error', (error) => end(error.message))
    npm.on('close', (code, signal) => end(code === 0 ? undefined : complaint || `it ended with ${signal ?? code}`))
  })
}

/** Where node_modules is a mount point, its contents are replaced. */
function replaceFolder(folder, by, former) {
  try {
    if (existsSync(folder)) renameSync(folder, former)
    renameSync(by, folder)
  } catch (error) {
    if (!['EBUSY', 'EXDEV', 'EPERM', 'EACCES'].includes(error.code)) throw error
    for (const name of existsSync(folder) ? readdirSync(folder) : []) rmSync(join(folder, name), { recursive: true })
    cpSync(by, folder, { recursive: true, verbatimSymlinks: true, filter: (file) => file !== join(by, STAMP) })
    copyFileSync(join(by, STAMP), join(folder, STAMP))
  }
}

/** What an npm still writes to stays for the next set-up. */
function discard(folder) {
  try {
    rmSync(folder, { recursive: true, force: true })
  } catch (error) {
    if (error.code !== 'ENOTEMPTY') throw error
  }
}

function copyLock(source, target) {
  for (const file of ['package.json', 'package-lock.json', '.npmrc']) {
    copyFileSync(join(source, file), join(target, file))
  }
}

function fail(message) {
  process.stderr.write(`set-up: ${message}\n`)
  process.exit(1)
}
