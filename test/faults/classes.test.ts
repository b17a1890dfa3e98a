/** Whole runs on folders whose classes do not match, and with wrong paths. The classes are three colours, learned in seconds. */
import assert from 'node:assert/strict'
import { cp, mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { dump } from 'js-yaml'
import sharp from 'sharp'
import type { Job } from '../../src/api/job.ts'
import { ANNOTATIONS, API_VERSION } from '../../src/contract/names.ts'
import { eventually } from '../support/eventually.ts'
import { type LocalRun, startLocalRun } from '../support/local-run.ts'

const COLOURS = { ant: [220, 20, 20], bee: [20, 220, 20], cat: [20, 20, 220] } as const
const ENDS_WITHIN_MS = 180_000
const STEPS = 40

async function writePictures(root: string): Promise<void> {
  for (const [part, length] of Object.entries({ train: 24, val: 12 }))
    for (const [name, [r, g, b]] of Object.entries(COLOURS)) {
      await mkdir(join(root, part, name), { recursive: true })
      for (let i = 0; i < length; i++) {
        const shift = (i % 7) * 4 - 12
        const background = { r: Math.max(0, r + shift), g: Math.max(0, g + shift), b: Math.max(0, b + shift) }
        const picture = sharp({ create: { width: 24, height: 24, channels: 3, background } }).jpeg()
        await picture.toFile(join(root, part, name, `${part}${i}.JPEG`))
      }
    }
}

function claim(name: string, annotations: Record<string, string> = {}) {
  const spec = { accessModes: ['ReadWriteMany'], resources: { requests: { storage: '1Gi' } } }
  return { apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: { name, annotations }, spec }
}

function manifests(data: string, checkpoints: string, spec: object): string {
  const source = (path: string) => ({ source: { claimName: 'data', path }, format: 'imagenet-folder' })
  const job = {
    apiVersion: API_VERSION,
    kind: 'FinetuneJob',
    metadata: { name: 'colours' },
    spec: {
      preset: 'downstream-mini',
      init: 'random',
      task: { type: 'imagenet-classification', classes: 3 },
      input: { resizePixels: 18, cropPixels: 16 },
      batchSize: 8,
      maxSteps: STEPS,
      workers: { replicas: 1 },
      learningRate: { type: 'constant', initial: 0.002 },
      data: source('train'),
      evaluation: { data: source('val') },
      checkpoint: { everySteps: STEPS, storage: { volume: { claimName: 'checkpoints' } } },
      ...spec,
    },
  }
  const objects = [
    claim('data', { [ANNOTATIONS.localPath]: data }),
    claim('checkpoints', { [ANNOTATIONS.localPath]: checkpoints }),
    job,
  ]
  return objects.map((object) => dump(object)).join('---\n')
}

async function untilStep(run: LocalRun, step: number): Promise<void> {
  const reached = async () => {
    const { status } = await run.job('FinetuneJob', 'colours')
    assert.ok((status?.progress?.step ?? 0) >= step, run.output())
  }
  await eventually(reached, { timeoutMs: 60_000, intervalMs: 100 })
}

async function logOf(stateDir: string, role: string): Promise<string> {
  const files = (await readdir(stateDir, { recursive: true })).filter((name) => name.includes(`-${role}-`))
  const logs = files.filter((name) => name.endsWith('.log'))
  return (await Promise.all(logs.map((name) => readFile(join(stateDir, name), 'utf8')))).join('')
}

describe('classes and paths of a job', { concurrency: false }, () => {
  let root: string
  let runs = 0
  before(async () => {
    root = await mkdtemp(join(tmpdir(), 'downpour-colours-'))
    await writePictures(join(root, 'data'))
  })
  after(() => rm(root, { recursive: true, force: true }))

  /** Copies the images and changes the copy. */
  async function changedData(change: (data: string) => Promise<unknown>): Promise<string> {
    const data = join(root, `data-${runs}`)
    await cp(join(root, 'data'), data, { recursive: true })
    await change(data)
    return data
  }

  async function write(data: string, spec: object, storage?: string) {
    const stateDir = join(root, `run-${runs++}`)
    const checkpoints = storage ?? `${stateDir}-checkpoints`
    await mkdir(checkpoints, { recursive: true })
    const file = `${stateDir}.yaml`
    await writeFile(file, manifests(data, checkpoints, spec))
    return { file, stateDir }
  }

  /** Runs a job to its end. @returns its result and the log of its evaluator */
  async function train(data: string, spec: object = {}, storage?: string) {
    return finish(await write(data, spec, storage))
  }

  async function finish(
    { file, stateDir }: { file: string; stateDir: string },
    disturb: (run: LocalRun) => Promise<unknown> = async () => {},
  ) {
    const run = startLocalRun([file], stateDir)
    try {
      await disturb(run)
      const exitCode = await run.ended(ENDS_WITHIN_MS)
      return { exitCode, ...resultOf(run), evaluatorLog: await logOf(stateDir, 'evaluator') }
    } finally {
      run.child.kill('SIGKILL')
    }
  }

  function resultOf(run: LocalRun) {
    const { status } = run.results()[0] as Job
    const failed = status?.conditions?.find(({ type, status }) => type === 'Failed' && status === 'True')
    const { step = 0 } = status?.progress ?? {}
    return { step, reason: failed?.reason, message: failed?.message ?? '', output: run.output() }
  }

  test('an evaluation folder without one of the classes is logged once and does not change the score', async () => {
    const data = await changedData((copy) => rm(join(copy, 'val', 'ant'), { recursive: true }))
    const { exitCode, output, evaluatorLog } = await train(data)
    assert.equal(exitCode, 0, output)
    assert.match(output, /top1 1\.000/)
    assert.equal(evaluatorLog.split('classes of the job are missing in this data').length - 1, 1, evaluatorLog)
    assert.match(evaluatorLog, /\\"ant\\"/)
  })

  test('a hidden folder beside the classes does not shift labels', async () => {
    const data = await changedData((copy) => mkdir(join(copy, 'train', '.ipynb_checkpoints')))
    const { exitCode, output } = await train(data)
    assert.equal(exitCode, 0, output)
    assert.match(output, /top1 1\.000/)
  })

  test('a class with another spelling in the evaluation folder fails the job early, and the message names it', async () => {
    const data = await changedData((copy) => rename(join(copy, 'val', 'ant'), join(copy, 'val', 'zant')))
    const { exitCode, reason, message, step } = await train(data, { maxSteps: 5000 })
    assert.deepEqual([exitCode, reason], [1, 'CLASS_UNKNOWN'])
    assert.match(message, /evaluator-0: spec.evaluation.data: .*val: .*"zant".*"ant", "bee", "cat".*\(exit 11\)/)
    assert.ok(step < 1000, `step ${step}`)
  })

  test('an additional class in the evaluation folder fails the job, and the message names it', async () => {
    const data = await changedData((copy) =>
      cp(join(copy, 'val', 'ant'), join(copy, 'val', 'dog'), { recursive: true }),
    )
    const { exitCode, reason, message, step } = await train(data, { maxSteps: 5000 })
    assert.deepEqual([exitCode, reason], [1, 'CLASS_UNKNOWN'])
    assert.match(message, /evaluator-0: spec.evaluation.data: .*"dog"/)
    assert.ok(step < 1000, `step ${step}`)
  })

  test('a class that appears during training fails the job when a worker is replaced, and the message names it', async () => {
    const data = await changedData(async () => {})
    const job = await write(data, { maxSteps: 100_000, workers: { replicas: 2 } })
    const { exitCode, reason, message } = await finish(job, async (run) => {
      await untilStep(run, 10)
      await cp(join(data, 'train', 'cat'), join(data, 'train', 'bat'), { recursive: true })
      process.kill(run.podPid('worker', 1) as number, 'SIGKILL')
    })
    assert.deepEqual([exitCode, reason], [1, 'CLASS_UNKNOWN'])
    assert.match(message, /worker-1: .*train: the job has no class named "bat"; its 3 classes are "ant"/)
  })

  test('a run that resumes from its checkpoint refuses a class that was renamed since', async () => {
    const data = await changedData(async () => {})
    const spec = { maxSteps: 300, checkpoint: { everySteps: 20, storage: { volume: { claimName: 'checkpoints' } } } }
    const job = await write(data, spec)
    const first = startLocalRun([job.file], job.stateDir)
    await untilStep(first, 25)
    first.child.kill('SIGKILL')
    await eventually(() => assert.deepEqual(first.processes(), []), { timeoutMs: 30_000, intervalMs: 100 })
    await rename(join(data, 'train', 'cat'), join(data, 'train', 'aacat'))
    const renamed = await finish(job)
    assert.deepEqual([renamed.exitCode, renamed.reason], [1, 'CLASS_UNKNOWN'])
    assert.match(renamed.message, /worker-0: .*no class named "aacat"; its 3 classes are "ant", "bee", "cat"/)
  })

  test('a wrong evaluation path fails the job at its start; the message has the field and the folder', async () => {
    const evaluation = { data: { source: { claimName: 'data', path: 'vall' }, format: 'imagenet-folder' } }
    const { exitCode, reason, message, step } = await train(join(root, 'data'), { evaluation, maxSteps: 5000 })
    assert.deepEqual([exitCode, reason], [1, 'DATA_MISSING'])
    assert.match(message, /evaluator-0: spec.evaluation.data: .*\/vall: no such folder.*\(exit 11\)/)
    assert.ok(step < 1000, `step ${step}`)
  })

  test('fewer classes than the model has outputs fail the job at its start', async () => {
    const { reason, message } = await train(join(root, 'data'), {
      task: { type: 'imagenet-classification', classes: 4 },
    })
    assert.equal(reason, 'LABELS_TOO_FEW')
    assert.match(message, /worker-0: the data has 3 labels, spec.task.classes is 4/)
  })

  test('checkpoint storage that cannot be written fails the job at its start', async () => {
    const { reason, message, step } = await train(join(root, 'data'), {}, '/sys')
    assert.equal(reason, 'CHECKPOINT_NOT_WRITABLE')
    assert.match(message, /ps-0: spec.checkpoint.storage: .*cannot be written/)
    assert.equal(step, 0)
  })
})
