/** Kills one or several processes of `npm start`: every other process of the run must end within seconds. */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { readdirSync, readFileSync, realpathSync } from 'node:fs'
import { after, before, describe, test } from 'node:test'
import { ENV } from '../../src/contract/runtime.ts'
import { eventually } from '../support/eventually.ts'
import { prepareSmallJobs, type SmallJobs } from './small-job.ts'

const STARTS_WITHIN_MS = 120_000
const ENDS_WITHIN_MS = 20_000

/** Pids of the processes of one `npm start`. */
interface ProcessTree {
  npm: number[]
  shell: number[]
  script: number[]
  run: number[]
  reapers: number[]
  operator: number[]
}
type Part = keyof ProcessTree

let jobs: SmallJobs
before(async () => {
  jobs = await prepareSmallJobs()
})
after(() => jobs.remove())

const read = (pid: number | string, file: string) => {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8')
  } catch {
    return ''
  }
}
const pids = () =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
const argsOf = (pid: number) => read(pid, 'cmdline').split('\0')
const childrenOf = (parent: number) =>
  pids().filter(
    (pid) =>
      Number(
        read(pid, 'stat')
          .replace(/^.*\) /s, '')
          .split(' ')[1],
      ) === parent,
  )

/** Pids of the run's pods and helpers, which have its state folder in their environment, and of the processes that started it. */
function runningPids(stateDir: string): number[] {
  const variable = `${ENV.stateDir}=${realpathSync(stateDir)}`
  return pids().filter(
    (pid) =>
      read(pid, 'environ').split('\0').includes(variable) ||
      (argsOf(pid).includes(stateDir) && read(pid, 'environ') !== ''),
  )
}

function treeOf(npm: ChildProcess): ProcessTree {
  const shell = childrenOf(npm.pid as number).filter((pid) => argsOf(pid).includes('-c'))
  const script = (shell.length > 0 ? shell : [npm.pid as number]).flatMap(childrenOf)
  const run = script.flatMap(childrenOf)
  const children = run.flatMap(childrenOf)
  const reapers = children.filter((pid) => argsOf(pid)[0] === '/bin/sh')
  return {
    npm: [npm.pid as number],
    shell,
    script,
    run,
    reapers,
    operator: children.filter((pid) => argsOf(pid).includes('operator')),
  }
}

/** Runs `npm start` until it trains, calls `kill`, and asserts that all processes of the run end. */
async function killStarted(kill: (tree: ProcessTree, npm: ChildProcess) => Promise<void>): Promise<void> {
  const { file, stateDir } = await jobs.next({ maxSteps: 100_000, workers: { replicas: 1 } })
  const npm = spawn('npm', ['start', '--', file, '--state-dir', stateDir], {
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  })
  let printed = ''
  for (const stream of [npm.stdout, npm.stderr]) stream.on('data', (chunk) => (printed += chunk))
  try {
    await eventually(() => assert.match(printed, /step [1-9]/), { timeoutMs: STARTS_WITHIN_MS, intervalMs: 100 })
    const tree = treeOf(npm)
    assert.deepEqual([tree.run.length, tree.reapers.length, tree.operator.length], [1, 2, 1], printed)
    await kill(tree, npm)
    await eventually(() => assert.deepEqual(runningPids(stateDir).map(argsOf), [], printed), {
      timeoutMs: ENDS_WITHIN_MS,
      intervalMs: 100,
    })
  } finally {
    for (const pid of runningPids(stateDir)) process.kill(pid, 'SIGKILL')
  }
}

describe('every process of a run ends after SIGKILL of', { concurrency: 2 }, () => {
  const all: readonly Part[] = ['npm', 'shell', 'script', 'run', 'reapers']
  const cases: (readonly Part[])[] = [
    ['npm'],
    ['shell'],
    ['script'],
    ['run'],
    ['npm', 'shell'],
    ['npm', 'script'],
    ['script', 'run'],
    ['npm', 'shell', 'script'],
    ['run', 'reapers'],
    all,
    [...all, 'operator'],
  ]
  for (const parts of cases)
    test(parts.join(', '), () =>
      killStarted(async (tree) => {
        for (const pid of parts.flatMap((part) => tree[part])) process.kill(pid, 'SIGKILL')
      }),
    )

  test('the reapers, and then the run', () =>
    killStarted(async (tree) => {
      const [run = 0] = tree.run
      for (const pid of tree.reapers) process.kill(pid, 'SIGKILL')
      const replaced = () => {
        const now = childrenOf(run).filter((pid) => argsOf(pid)[0] === '/bin/sh' && !tree.reapers.includes(pid))
        assert.equal(now.length, 2, 'they are replaced')
      }
      await eventually(replaced, { timeoutMs: ENDS_WITHIN_MS, intervalMs: 100 })
      process.kill(run, 'SIGKILL')
    }))
})

describe('every process of a run ends', { concurrency: 2 }, () => {
  test('after SIGTERM of npm', () => killStarted(async ({ npm: [pid = 0] }) => void process.kill(pid, 'SIGTERM')))
  test('when its terminal is closed', () =>
    killStarted(async ({ npm: [pid = 0] }, npm) => {
      npm.stdout?.destroy()
      npm.stderr?.destroy()
      process.kill(-pid, 'SIGHUP')
    }))
})

test('an operator that is killed alone is replaced', () =>
  killStarted(async ({ operator, run }) => {
    for (const pid of operator) process.kill(pid, 'SIGKILL')
    await eventually(
      () => {
        const now = run.flatMap(childrenOf).filter((pid) => argsOf(pid).includes('operator'))
        assert.ok(now.length === 1 && !operator.includes(now[0] as number))
      },
      { timeoutMs: ENDS_WITHIN_MS, intervalMs: 100 },
    )
    for (const pid of run) process.kill(pid, 'SIGINT')
  }))
