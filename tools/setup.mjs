// Set-up for `npm start` and `npm test`. Plain JavaScript for Node 18: it must run before anything is installed.
// Prints one line for each step; a step that is already done costs a file read and prints nothing.
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
import { cacheRoot } from '../src/support/cache-root.mjs'
import { isAlive, starters } from './processes.mjs'
import { lockSetUp } from './setup-lock.mjs'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const NEEDED = [22, 19]
const STAMP = '.downpour-lock'
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP']
const WATCH_EVERY_MS = 500
/** Read by `downpour run`. */
const STARTED_BY = 'DOWNPOUR_STARTED_BY'
/** Read at once: after a starter is killed, its process number may belong to another program. */
const STARTERS = starters()
const NODE_24_LOCK = join(root, 'tools', 'node24')

/** Installs what is missing and returns the path of a Node that can run Downpour. */
export async function setUp() {
  await installFromLock(root, root, join(root, '.cache', 'setup'), 'dependencies')
  return chosenNode() ?? (isRecentNode() ? process.execPath : registryNode(`this machine has ${process.versions.node}`))
}

/**
 * Installs the packages of a folder with a lock file of its own.
 * @param {string} folder
 * @param {string} what it is, shown while it is installed
 */
export function installPackage(folder, what) {
  return installFromLock(folder, folder, join(root, '.cache', 'setup'), what)
}

/** Node strips the types of src/ by itself from 22.18 on. */
export function isRecentNode([major, minor] = process.versions.node.split('.').map(Number)) {
  return major > NEEDED[0] || (major === NEEDED[0] && minor >= NEEDED[1])
}

/** Another Node than this one that can run Downpour and is installed already; undefined: there is none. */
export function findNode() {
  const chosen = chosenNode()
  if (chosen) return chosen
  const installed = binaryIn(node24Folder())
  return existsSync(installed) ? installed : undefined
}

/**
 * The Node that DOWNPOUR_NODE names. It is run for its version, because the name may belong to a script that runs another
 * Node, and bin/downpour would start an old one again and again.
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
 * Runs `args` with Downpour's Node, passes signals on, and exits as the child did. The environment of the child names the
 * processes that started it, so that it can end when one of them is killed.
 */
export async function runWithNode(node, args, { cwd = root } = {}) {
  const startedBy = [process.env[STARTED_BY], ...STARTERS].filter(Boolean).join(',')
  const env = { ...process.env, PATH: `${dirname(node)}:${process.env.PATH}`, [STARTED_BY]: startedBy }
  const child = spawn(node, args, { cwd, stdio: 'inherit', env })
  for (const signal of SIGNALS) process.on(signal, () => child.kill(signal))
  child.on('error', (error) => fail(`cannot start ${node}: ${error.message}`))
  child.on('exit', (code, signal) => process.exit(signal ? codeOf(signal) : code))
}

/** The exit code that a shell reports. */
function codeOf(signal) {
  return 128 + constants.signals[signal]
}

/**
 * Node 24 with its headers, from the npm registry.
 * @param {string} why shown when it must be installed
 */
export async function registryNode(why) {
  const folder = node24Folder()
  await installFromLock(NODE_24_LOCK, folder, join(userCache(), 'setup'), `Node 24 (${why})`)
  const binary = binaryIn(folder)
  if (existsSync(binary)) return binary
  fail(`no Node 24 package for ${process.platform}-${process.arch}: install Node >= ${NEEDED.join('.')} and run again`)
}

/** Named by its version: a clone that pins another Node must not replace one that runs. */
function node24Folder() {
  const { optionalDependencies } = JSON.parse(readFileSync(join(NODE_24_LOCK, 'package.json'), 'utf8'))
  return join(userCache(), `node-${Object.values(optionalDependencies)[0]}`)
}

function binaryIn(folder) {
  return join(folder, 'node_modules', `node-${process.platform}-${process.arch}`, 'bin', 'node')
}

function userCache() {
  try {
    return cacheRoot(process.env)
  } catch (error) {
    fail(error.message)
  }
}

/**
 * Runs `npm ci` with the lock file in `source` for `target`, unless a stamp says that this lock file is installed. npm
 * writes to a folder in `work`, which replaces node_modules when it is complete: a killed set-up changes nothing, and
 * an npm that outlives it cannot damage the next one. `work` is on the file system of `target`, so that a folder can be
 * renamed.
 */
async function installFromLock(source, target, work, what) {
  if (isInstalled(source, target)) return
  try {
    const unlock = await lockSetUp(join(work, 'lock'), (holder) =>
      process.stderr.write(`set-up: waiting for another set-up in ${dirname(work)} (process ${holder}) ...\n`),
    )
    try {
      if (!isInstalled(source, target)) await install(source, target, work, what)
    } finally {
      unlock()
    }
  } catch (error) {
    fail(`${what} cannot be installed: ${error.message}${adviceFor(target)}`)
  }
}

/** No other folder is tried: npm needs a home folder that can be written to as well. */
function adviceFor(target) {
  return target === root ? '' : ' (DOWNPOUR_CACHE=/FOLDER names another cache)'
}

function isInstalled(source, target) {
  const stamp = join(target, 'node_modules', STAMP)
  return existsSync(stamp) && readFileSync(stamp, 'utf8') === digestOf(source)
}

function digestOf(source) {
  const lock = readFileSync(join(source, 'package-lock.json'))
  return createHash('sha256').update(lock).digest('hex')
}

async function install(source, target, parent, what) {
  const startedMs = performance.now()
  process.stderr.write(`set-up: installing ${what} from the lock file ... `)
  for (const name of readdirSync(parent).filter((one) => one.startsWith('install-'))) discard(join(parent, name))
  const work = mkdtempSync(join(parent, 'install-'))
  copyLock(source, work)
  await npmCi(work)
  writeFileSync(join(work, 'node_modules', STAMP), digestOf(source))
  mkdirSync(target, { recursive: true })
  replaceFolder(join(target, 'node_modules'), join(work, 'node_modules'), join(work, 'former'))
  discard(work)
  process.stderr.write(`${((performance.now() - startedMs) / 1000).toFixed(1)} s\n`)
}

/** npm ends when this process ends, or a process that started it. */
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

/** Removes a folder. One that a process of a killed set-up still writes to is left to the next set-up. */
export function discard(folder) {
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

/**
 * @param {string} message
 * @returns {never}
 */
function fail(message) {
  process.stderr.write(`set-up: ${message}\n`)
  process.exit(1)
}
