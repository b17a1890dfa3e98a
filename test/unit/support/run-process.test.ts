import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, afterEach, test } from 'node:test'
import { EvaluatorStatus } from '../../../src/contract/status.ts'
import { DownpourError } from '../../../src/support/errors.ts'
import { silentLog } from '../../../src/support/log.ts'
import { type Program, runProcess } from '../../../src/support/run-process.ts'

const folder = mkdtempSync(join(tmpdir(), 'downpour-process-'))
const terminationLog = join(folder, 'termination-log')
const messageOf = () => JSON.parse(readFileSync(terminationLog, 'utf8'))

after(() => rmSync(folder, { recursive: true }))
afterEach(() => {
  for (const event of ['SIGTERM', 'SIGINT', 'uncaughtException'])
    for (const listener of process.listeners(event as 'SIGTERM').slice(before[event])) process.off(event, listener)
})
const before: Record<string, number> = Object.fromEntries(
  ['SIGTERM', 'SIGINT', 'uncaughtException'].map((event) => [event, process.listenerCount(event)]),
)

/** Runs the work like the process of a pod. @returns the exit codes in order */
async function run(work: Program['work'], program: Partial<Program> = {}): Promise<number[]> {
  const exits: number[] = []
  await runProcess({
    work,
    status: () => ({ step: 7 }),
    exit: (code) => exits.push(code),
    exitCodeOf: (code) => (code === 'BAD_DATA' ? 11 : 1),
    codes: { ok: 0, terminated: 143 },
    terminationLog,
    endsWithRun: false,
    log: silentLog,
    ...program,
  })
  return exits
}

test('successful work exits with 0 and writes its status', async () => {
  assert.deepEqual(await run(async () => {}), [0])
  assert.deepEqual(messageOf(), { step: 7 })
})

test('a long list of scores with reduced ones is cut to the newest that fit into a termination message', async () => {
  const names = ['AP', 'AP50', 'AP75', 'APs', 'APm', 'APl', 'AR1', 'AR10', 'AR100', 'ARs', 'ARm', 'ARl', 'loss']
  const metrics = Object.fromEntries(names.map((name, i) => [name, i / 7]))
  const part = { metrics, examples: 40_504 }
  const record = (step: number) => ({ step, digest: 'a'.repeat(64), ...part, reduced: part })
  const evaluations = Array.from({ length: 20 }, (_, i) => record(20 - i))
  const status = () => ({ role: 'evaluator', index: 0, phase: 'done', evaluations, failure: null })
  await run(async () => {}, { status })
  assert.ok(readFileSync(terminationLog).length <= 4096)
  const { evaluations: kept } = EvaluatorStatus.parse(messageOf())
  assert.ok(kept.length >= 2)
  assert.deepEqual(kept, evaluations.slice(0, kept.length))
})

test('an error sets the exit code of its code, and is in the termination message', async () => {
  const work = async () => {
    throw new DownpourError('BAD_DATA', 'a.tfrecord at 40: bad CRC')
  }
  assert.deepEqual(await run(work), [11])
  assert.deepEqual(messageOf(), { step: 7, failure: { code: 'BAD_DATA', message: 'a.tfrecord at 40: bad CRC' } })
})

test('a stopped program exits as terminated with any error', async () => {
  const work = async (signal: AbortSignal) => {
    process.emit('SIGTERM', 'SIGTERM')
    signal.throwIfAborted()
  }
  assert.deepEqual(await run(work), [143])
  const twice = async () => {
    process.emit('SIGTERM', 'SIGTERM')
    process.emit('SIGINT', 'SIGINT')
  }
  assert.deepEqual(await run(twice), [143, 143])
})

test('a termination message of more than 4096 bytes keeps the first items of its lists', async () => {
  const checkpoints = Array.from({ length: 500 }, (_, step) => ({ step, digest: 'x'.repeat(20) }))
  await run(async () => {}, { status: () => ({ step: 7, checkpoints }) })
  const { step, checkpoints: kept } = messageOf()
  assert.ok(readFileSync(terminationLog).length <= 4096)
  assert.equal(step, 7)
  assert.ok(kept.length > 50)
  assert.deepEqual(kept, checkpoints.slice(0, kept.length))
})

test('a termination log that cannot be written does not change the exit code', async () => {
  assert.deepEqual(await run(async () => {}, { terminationLog: join(folder, 'none', 'log') }), [0])
})
