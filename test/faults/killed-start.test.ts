/** `npm start` whose processes are killed, one or several at once: all of the run ends within seconds. */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { readdirSync, readFileSync, realpathSync } from 'node:fs'
import { after, before, describe, test } from 'node:test'
import { ENV } from '../../src/contract/runtime.ts'
import { eventually } from '../support/eventually.ts'
import { prepareSmallJobs, type SmallJobs } from './small-job.ts'

const STARTS_WITHIN_MS = 120_000
const ENDS_WITHIN_MS = 20_000

interface Chain {
  npm: number[]
  shell: number[]
  script: number[]
  run: number[]
  reapers: number[]
  operator: number[]
}
type Part = keyof Chain

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
const wordsOf = (pid: number) => read(pid, 'cmdline').split('\0')
const childrenOf = (parent: number) =>
  pids().filter(
    (pid) =>
      Number(
        read(pid, 'stat')
          .replace(/^.*\) /s, '')
          .split(' ')[1],
      ) === parent,
  )

/** Those that belong to the run, and the run itself with what it was started by. */
function living(stateDir: string): number[] {
  const mark = `${ENV.stateDir}=${realpathSync(stateDir)}`
  return pids().filter(
    (pid) =>
      read(pid, 'environ').split('\0').includes(mark) ||
      (wordsOf(pid).includes(stateDir) && read(pid, 'environ') !== ''),
  )
}

function chainOf(npm: ChildProcess): Chain {
  const shell = childrenOf(npm.pid as number).filter((pid) => wordsOf(pid).includes('-c'))
  const script = (shell.length > 0 ? shell : [npm.pid as number]).flatMap(childrenOf)
  const run = script.flatMap(childrenOf)
  const under = run.flatMap(childrenOf)
  const reapers = under.filter((pid) => wordsOf(pid)[0] === '/bin/sh')
  return {
    npm: [npm.pid as number],
    shell,
    script,
    run,
    reapers,
    operator: under.filter((pid) => wordsOf(pid).includes('operator')),
  }
}

async function startByNpm(use: (chain: Chain, stateDir: string, npm: ChildProcess) => Promise<void>): Promise<void> {
  const { file, stateDir } = await jobs.next({ maxSteps: 100_000 })
  const npm = spawn('npm', ['start', '--', file, '--state-dir', stateDir], {
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  })
  let printed = ''
  for (const stream of [npm.stdout, npm.stderr]) stream.on('data', (chunk) => (printed += chunk))
  try {
    await eventually(() => assert.match(printed, /step [1-9]/), { timeoutMs: STARTS_WITHIN_MS, intervalMs: 100 })
    const chain = chainOf(npm)
    assert.deepEqual([chain.run.length, chain.reapers.length, chain.operator.length], [1, 2, 1], printed)
    await use(chain, stateDir, npm)
    await eventually(() => assert.deepEqual(living(stateDir).map(wordsOf), [], printed), {
      timeoutMs: ENDS_WITHIN_MS,
      intervalMs: 100,
    })
  } finally {
    for (const pid of living(stateDir)) process.kill(pid, 'SIGKILL')
  }
}

describe('all of a run ends when what is killed is', { concurrency: 2 }, () => {
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
      startByNpm(async (chain) => {
        for (const pid of parts.flatMap((part) => chain[part])) process.kill(pid, 'SIGKILL')
      }),
    )

  test('the reapers, and then the run', () =>
    startByNpm(async (chain) => {
      const [run = 0] = chain.run
      for (const pid of chain.reapers) process.kill(pid, 'SIGKILL')
      await eventually(() => {
        const now = childrenOf(run).filter((pid) => wordsOf(pid)[0] === '/bin/sh' && !chain.reapers.includes(pid))
        assert.equal(now.length, 2, 'they are replaced')
      })
      process.kill(run, 'SIGKILL')
    }))

  test('npm, by SIGTERM', () => startByNpm(async ({ npm: [pid = 0] }) => void process.kill(pid, 'SIGTERM')))
  test('the terminal, which is closed', () =>
    startByNpm(async ({ npm: [pid = 0] }, _stateDir, npm) => {
      npm.stdout?.destroy()
      npm.stderr?.destroy()
      process.kill(-pid, 'SIGHUP')
    }))
})

test('an operator that is killed alone is replaced', () =>
  startByNpm(async ({ operator, run }) => {
    for (const pid of operator) process.kill(pid, 'SIGKILL')
    await eventually(
      () => {
        const now = run.flatMap(childrenOf).filter((pid) => wordsOf(pid).includes('operator'))
        assert.ok(now.length === 1 && !operator.includes(now[0] as number))
      },
      { timeoutMs: ENDS_WITHIN_MS, intervalMs: 100 },
    )
    for (const pid of run) process.kill(pid, 'SIGINT')
  }))
