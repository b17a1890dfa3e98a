/** Mistakes of users and faults of the machine: each gives a reason in the job's conditions and a non-zero exit code. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { cp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { Job } from '../../src/api/job.ts'
import { eventually } from '../support/eventually.ts'
import { type LocalRun, startLocalRun } from '../support/local-run.ts'
import { JOB, prepareSmallJobs, type SmallJobs } from './small-job.ts'

const ENDS_WITHIN_MS = 120_000
const data = (path: string, more: object = {}) => ({
  source: { claimName: 'data', path },
  format: 'tfrecord',
  labels: 'labels.json',
  ...more,
})

describe('bad input', { concurrency: false }, () => {
  let jobs: SmallJobs
  before(async () => {
    jobs = await prepareSmallJobs()
  })
  after(() => jobs.remove())

  async function runToFailure(spec: Record<string, unknown>): Promise<{ message: string; reason: string }> {
    const { file, stateDir } = await jobs.next({ backoffLimit: 0, ...spec })
    const run = startLocalRun([file], stateDir)
    try {
      assert.equal(await run.ended(ENDS_WITHIN_MS), 1, run.output())
      const condition = conditionOf(run.results()[0] as Job, 'Failed')
      assert.match(run.output(), new RegExp(`failed: ${condition.reason}`))
      return condition
    } finally {
      run.child.kill('SIGKILL')
    }
  }

  test('a missing data folder fails the job, and the message names it', async () => {
    const { reason, message } = await runToFailure({ data: data('nowhere') })
    assert.equal(reason, 'DATA_MISSING')
    assert.match(message, /worker-\d: .*nowhere: no such folder.*\(exit 11\)/)
  })

  test('more damaged records than allowed fail the job; the message has file and offset', async () => {
    await damageEveryRecord(jobs.dataDir, 'pretrain', 'damaged')
    const { reason, message } = await runToFailure({ data: data('damaged', { maxCorruptRecords: 3 }) })
    assert.equal(reason, 'BAD_DATA')
    assert.match(message, /damaged\/jft-mini-\d{5}-of-\d{5}\.tfrecord at byte \d+: data CRC does not match/)
    assert.match(message, /maxCorruptRecords is 3/)
  })

  test('shards of two series fail the job; with a pattern it trains, and the log lists skipped files', async () => {
    const [first] = (await readdir(join(jobs.dataDir, 'pretrain'))).filter((name) => name.endsWith('.tfrecord'))
    await cp(join(jobs.dataDir, 'pretrain'), join(jobs.dataDir, 'mixed'), { recursive: true })
    const mixed = (name: string) => join(jobs.dataDir, 'mixed', name)
    await cp(mixed(first as string), mixed('validation-00000-of-00001'))
    execFileSync('mkfifo', [mixed('pipe')])
    await writeFile(mixed('.DS_Store'), '')
    const { reason, message } = await runToFailure({ data: data('mixed') })
    assert.equal(reason, 'DATA_SHARDS_MIXED')
    assert.match(message, /jft-mini-\*-of-\d{5}\.tfrecord \(\d+ files\), validation-\*-of-00001 \(1 file\)/)

    const { file, stateDir } = await jobs.next({ data: data('mixed', { files: 'jft-mini-*' }), maxSteps: 20 })
    const run = startLocalRun([file], stateDir)
    try {
      assert.equal(await run.ended(ENDS_WITHIN_MS), 0, run.output())
      const log = await workerLog(stateDir)
      for (const skipped of ['1 files of a system or a tool, e.g. .DS_Store', '1 pipes, sockets or devices, e.g. pipe'])
        assert.ok(log.includes(skipped), log)
    } finally {
      run.child.kill('SIGKILL')
    }
  })

  test('more labels than the model has outputs fail the job at its start', async () => {
    const { reason, message } = await runToFailure({ task: { type: 'multi-label', classes: 100 } })
    assert.equal(reason, 'LABELS_TOO_MANY')
    assert.match(message, /worker-0: .*the data has 144 labels, spec\.task\.classes is 100/)
  })

  test('non-finite gradients are refused, and fail the job after maxNonFinite in a row', async () => {
    const { reason, message } = await runToFailure({
      learningRate: { type: 'constant', initial: 1e30 },
      maxNonFinite: 3,
      runtime: { backend: 'auto' },
    })
    assert.equal(reason, 'NON_FINITE')
    assert.match(message, /NaN or infinite values.*lower the learning rate or check the data/)
  })

  test('a worker that requests a GPU on a machine without one fails the job', async () => {
    const resources = { limits: { 'nvidia.com/gpu': 1 } }
    const { message } = await runToFailure({ workers: { replicas: 1, template: { resources } }, backoffLimit: 0 })
    assert.match(message, /worker-0: .*the pod requests nvidia\.com\/gpu, but wasm computes on the CPU.*exit 102/)
  })

  test('a second run in one state folder is refused, and the first continues', async () => {
    const { file, stateDir } = await jobs.next()
    const first = startLocalRun([file], stateDir)
    try {
      await first.client()
      const second = startLocalRun([file], stateDir)
      assert.equal(await second.ended(60_000), 1)
      assert.match(
        second.output(),
        /ALREADY_RUNNING: another downpour \(process \d+\) already runs in .*--state-dir DIR/,
      )
      assert.equal(await first.ended(ENDS_WITHIN_MS), 0, first.output())
    } finally {
      first.child.kill('SIGKILL')
    }
  })

  test('a disk that is full while saving sets CheckpointDegraded until there is space', {
    skip: cannotMount(),
  }, async () => {
    const { file, stateDir, checkpointDir } = await jobs.next({ checkpoint: { everySteps: 25 } })
    const disk = await smallDisk(checkpointDir)
    const run = startLocalRun([file], stateDir)
    try {
      await untilCondition(run, 'CheckpointDegraded', 'True', /ENOSPC/)
      await disk.freeSpace()
      assert.equal(await run.ended(ENDS_WITHIN_MS), 0, run.output())
      const [job] = run.results() as [Job]
      assert.deepEqual([job.status?.phase, job.status?.checkpoint?.final], ['Succeeded', true])
      assert.equal(job.status?.restarts.total, 0)
    } finally {
      run.child.kill('SIGKILL')
      await disk.remove()
    }
  })
})

/** @returns the joined logs of all workers of a run */
async function workerLog(stateDir: string): Promise<string> {
  const files = (await readdir(stateDir, { recursive: true })).filter((name) => /worker-\d+.*\.log$/.test(name))
  return (await Promise.all(files.map((name) => readFile(join(stateDir, name), 'utf8')))).join('')
}

function conditionOf(job: Job, type: string) {
  const condition = job.status?.conditions.find((one) => one.type === type)
  assert.ok(condition, `no condition ${type}: ${JSON.stringify(job.status?.conditions)}`)
  return condition
}

async function untilCondition(run: LocalRun, type: string, status: string, message: RegExp): Promise<void> {
  await eventually(
    async () => {
      const condition = conditionOf(await run.job('PretrainJob', JOB), type)
      assert.equal(condition.status, status)
      assert.match(condition.message, message)
    },
    { timeoutMs: ENDS_WITHIN_MS, intervalMs: 100 },
  )
}

/** Copies the data set and flips one bit in each record. */
async function damageEveryRecord(dataDir: string, from: string, to: string): Promise<void> {
  const target = join(dataDir, to)
  await cp(join(dataDir, from), target, { recursive: true })
  for (const name of (await readdir(target)).filter((file) => file.endsWith('.tfrecord'))) {
    const bytes = await readFile(join(target, name))
    for (let at = 0; at < bytes.length; ) {
      const length = Number(bytes.readBigUInt64LE(at))
      bytes.writeUInt8(bytes.readUInt8(at + 12) ^ 1, at + 12)
      at += 16 + length
    }
    await writeFile(join(target, name), bytes)
  }
}

/** @returns why no small disk can be mounted here, or false if one can */
function cannotMount(): string | false {
  const folder = mkdtempSync(join(tmpdir(), 'downpour-mount-'))
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', folder], { stdio: 'pipe' })
    execFileSync('umount', [folder])
    return false
  } catch (error) {
    return `mounting a small disk needs root: ${String(error).split('\n', 1)[0]}`
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** Mounts a tmpfs with space for a manifest but not for weights, until `freeSpace` deletes the filler file. */
async function smallDisk(folder: string) {
  await mkdir(folder, { recursive: true })
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64m', 'tmpfs', folder])
  const filler = join(folder, 'filler')
  await writeFile(filler, Buffer.alloc(64 * 2 ** 20 - 256 * 1024))
  return {
    freeSpace: () => rm(filler),
    async remove() {
      execFileSync('umount', ['-l', folder])
    },
  }
}
