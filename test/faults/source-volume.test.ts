/** Whole runs of jobs that start from a checkpoint in a folder of a claim, without the job that saved it. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { cp, readdir, readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { dump } from 'js-yaml'
import { findLatest } from '../../src/checkpoint/list.ts'
import { loadCheckpoint } from '../../src/checkpoint/load.ts'
import { encodeManifest, MANIFEST_FILE, type Manifest } from '../../src/checkpoint/manifest.ts'
import { readManifest } from '../../src/checkpoint/read-manifest.ts'
import { checkpointFolder } from '../../src/contract/files.ts'
import { ANNOTATIONS } from '../../src/contract/names.ts'
import { eventually } from '../support/eventually.ts'
import { type LocalRun, startLocalRun } from '../support/local-run.ts'
import { torchvisionTensors, writeZeros } from '../unit/interchange/files.ts'
import { prepareSmallJobs, type SmallJobs } from './small-job.ts'

const ENDS_WITHIN_MS = 180_000
const STEPS = 20
const JOB = 'second'
const IN_JOB = 'step-000000020'
/** So small that the weights after one step are those before it. */
const STILL = { learningRate: { type: 'constant', initial: 1e-12 }, weightDecay: 0 }

/** For a network that takes seconds a step. */
const FEW_PICTURES = {
  runtime: { backend: 'auto' },
  batchSize: 2,
  input: { resizePixels: 36, cropPixels: 32 },
  workers: { replicas: 1 },
  evaluation: {
    data: { source: { claimName: 'data', path: 'evaluation' }, format: 'tfrecord', labels: 'labels.json' },
    maxExamples: 2,
  },
}

describe('a job from a folder on a volume', { concurrency: false }, () => {
  let jobs: SmallJobs
  let weights: string
  before(async () => {
    jobs = await prepareSmallJobs()
    const { file, stateDir, checkpointDir } = await jobs.next(
      { maxSteps: STEPS, checkpoint: { everySteps: 10 } },
      'first',
    )
    const { exitCode } = await finish(startLocalRun([file], stateDir))
    assert.equal(exitCode, 0)
    const [folder = ''] = await readdir(join(checkpointDir, 'default'))
    weights = join(jobs.dataDir, 'weights')
    await rename(join(checkpointDir, 'default', folder), weights)
  })
  after(() => jobs.remove())

  async function start(
    spec: Record<string, unknown>,
    path?: string,
    folder = weights,
  ): Promise<LocalRun & { checkpointDir: string }> {
    const from = { volume: { claimName: 'weights', ...(path !== undefined && { path }) } }
    const { file, stateDir, checkpointDir } = await jobs.next({ maxSteps: STEPS, ...spec, from }, JOB)
    await writeFile(`${file}.claim.yaml`, dump(claimAt(folder)))
    return { ...startLocalRun([file, `${file}.claim.yaml`], stateDir), checkpointDir }
  }

  async function finish(run: LocalRun) {
    try {
      const exitCode = await run.ended(ENDS_WITHIN_MS)
      return { exitCode, output: run.output(), job: run.results()[0] }
    } finally {
      run.child.kill('SIGKILL')
    }
  }

  test('starts at once with its weights and a new head, and its status names claim, folder and digest', async () => {
    const run = await start({
      ...STILL,
      maxSteps: 1,
      parameterServer: { replicas: 2 },
      task: { type: 'multi-label', classes: 144 },
    })
    const { exitCode, job, output } = await finish(run)
    assert.equal(exitCode, 0, output)
    const source = await loadCheckpoint(join(weights, IN_JOB))
    const { status } = job ?? {}
    assert.deepEqual(status?.source, { claimName: 'weights', step: STEPS, digest: source.digest, path: IN_JOB })
    const resolved = status?.conditions.find(({ type }) => type === 'SourceResolved')
    assert.match(resolved?.message ?? '', /^step 20 in folder step-000000020 of claim "weights", sha256 /)
    const [folder = ''] = await readdir(join(run.checkpointDir, 'default'))
    const { latest } = await findLatest(join(run.checkpointDir, 'default', folder))
    assert.partialDeepStrictEqual(latest?.manifest.model, { backbone: 'resnet-mini', variant: 'slim' })
    const own = await loadCheckpoint(latest?.folder ?? '')
    for (const { name, kind } of source.manifest.layout.variables) {
      const [before, now] = [source.variables.get(name)?.data ?? [], own.variables.get(name)?.data ?? []]
      const change = Math.max(...before.map((value, i) => Math.abs(value - (now[i] ?? Number.NaN))))
      if (name.startsWith('head')) continue
      assert.ok(kind !== 'trainable' || change < 1e-6, `${name}: ${change}`)
    }
    const heads = [source, own].map(({ variables }) => [...(variables.get('head/slice_0/weights')?.data ?? [])])
    assert.ok(heads[0]?.length && heads[1]?.length)
    assert.notDeepEqual(heads[0], heads[1])
  })

  test('starts from imported weights of torchvision, if it has that variant', async () => {
    const file = join(jobs.dataDir, 'zeros.safetensors')
    const imported = join(jobs.dataDir, 'imported')
    writeZeros(file, torchvisionTensors('resnet50'))
    execFileSync(process.execPath, ['bin/downpour', 'checkpoint', 'import', file, '--out', imported], { stdio: 'pipe' })
    const model = { backbone: 'resnet50', variant: 'torchvision' }
    const run = await start({ ...STILL, ...FEW_PICTURES, model, maxSteps: 1 }, '.', imported)
    const { exitCode, output, job } = await finish(run)
    assert.equal(exitCode, 0, output)
    assert.deepEqual([job?.status?.source?.step, job?.status?.source?.path], [0, 'step-000000000'])
    const [folder = ''] = await readdir(join(run.checkpointDir, 'default'))
    const { manifest, variables } = await loadCheckpoint(join(run.checkpointDir, 'default', folder, 'step-000000001'))
    assert.partialDeepStrictEqual(manifest.model, model)
    const trained = ['root/weights', 'block4/unit_3/conv3/weights'].map((name) => variables.get(name)?.data)
    for (const values of trained) assert.ok(values?.length && values.every((value) => Math.abs(value) < 1e-6))
  })

  test('uses the same checkpoint after a restart, although the folder has a newer one by then', async () => {
    const folder = `${weights}-growing`
    await cp(weights, folder, { recursive: true })
    const run = await start({ maxSteps: 4000, checkpoint: { everySteps: 4000 } }, '.', folder)
    const job = () => run.job('PretrainJob', JOB)
    try {
      const pinned = await eventually(
        async () => {
          const { source, progress } = (await job()).status ?? {}
          assert.ok(source && progress && progress.step >= 1, run.output())
          return source
        },
        { timeoutMs: 60_000, intervalMs: 100 },
      )
      await writeNewer(join(folder, IN_JOB), 30)
      process.kill(run.podPid('ps', 0) ?? 0, 'SIGKILL')
      await eventually(
        async () => {
          const { psGeneration, source, phase } = (await job()).status ?? {}
          assert.deepEqual([psGeneration, phase, source], [1, 'Running', pinned])
        },
        { timeoutMs: 60_000, intervalMs: 100 },
      )
      const started = await eventually(
        async () => {
          const lines = await choicesIn(run.stateDir)
          assert.equal(lines.length, 2)
          return lines
        },
        { timeoutMs: 30_000, intervalMs: 100 },
      )
      assert.deepEqual(
        started.map(({ digest, step }) => [digest, step]),
        [
          [pinned.digest, STEPS],
          [pinned.digest, STEPS],
        ],
      )
    } finally {
      run.child.kill('SIGKILL')
    }
  })

  // Two whole runs, one a kind of error; test/unit/ps/source.test.ts has every reason.
  const refused: readonly [what: string, spec: Record<string, unknown>, path: string | undefined, message: RegExp][] = [
    ['another variant', { model: { variant: 'torchvision' } }, '.', /CHECKPOINT_OTHER_MODEL: .*resnet-mini \(variant slim\).*\(variant torchvision\)/],
    ['a damaged checkpoint', {}, 'damaged/step-000000010', /CHECKPOINT_(CORRUPT|TORN): .*damaged\/step-000000010/],
  ] // biome-ignore format: one line a case
  for (const [what, spec, path, message] of refused)
    test(`fails for good, before the first step, from ${what}`, async () => {
      if (path?.startsWith('damaged')) await damage(weights)
      const { exitCode, job, output } = await finish(await start(spec, path))
      assert.equal(exitCode, 1, output)
      assert.match(output, message)
      const failed = job?.status?.conditions.find(({ type }) => type === 'Failed')
      assert.equal(failed?.status, 'True')
      assert.match(`${failed?.reason}: ${failed?.message}`, message)
      assert.deepEqual([job?.status?.progress?.step ?? 0, job?.status?.restarts.total], [0, 0])
    })

  test('waits for a claim that does not exist, and says which', async () => {
    const from = { volume: { claimName: 'weights' } }
    const { file, stateDir } = await jobs.next({ from }, JOB)
    const run = startLocalRun([file], stateDir)
    try {
      await eventually(
        async () => {
          const conditions = (await run.job('PretrainJob', JOB)).status?.conditions ?? []
          const scheduled = conditions.find(({ type }) => type === 'Scheduled')
          assert.match(
            `${scheduled?.status} ${scheduled?.message}`,
            /^False .*persistentvolumeclaim "weights" not found/,
          )
        },
        { timeoutMs: 60_000, intervalMs: 100 },
      )
    } finally {
      run.child.kill('SIGKILL')
    }
  })
})

function claimAt(folder: string) {
  const spec = { accessModes: ['ReadOnlyMany'], resources: { requests: { storage: '1Gi' } } }
  const metadata = { name: 'weights', annotations: { [ANNOTATIONS.localPath]: folder } }
  return { apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata, spec }
}

/** Copies a checkpoint as that of a later step. */
async function writeNewer(checkpoint: string, step: number): Promise<void> {
  const { manifest } = await readManifest(checkpoint)
  const folder = join(checkpoint, '..', checkpointFolder(step))
  await cp(checkpoint, folder, { recursive: true })
  const shards = manifest.shards.map((shard, i) => ({ ...shard, version: i === 0 ? step : shard.version }))
  const later: Manifest = { ...manifest, step, shards }
  await writeFile(join(folder, MANIFEST_FILE), encodeManifest(later))
  assert.equal((await findLatest(join(folder, '..'))).latest?.manifest.step, step)
}

async function damage(weights: string): Promise<void> {
  const folder = join(weights, 'damaged', 'step-000000010')
  await cp(join(weights, 'step-000000010'), folder, { recursive: true })
  const { manifest } = await readManifest(folder)
  const path = join(folder, manifest.shards[0]?.file ?? '')
  const bytes = await readFile(path)
  bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 1
  await writeFile(path, bytes)
}

/** The choices that the logs of parameter server 0 report, in their order. */
async function choicesIn(stateDir: string): Promise<{ digest: string; step: number }[]> {
  const files = (await readdir(stateDir, { recursive: true })).filter((name) => /-ps-0.*\.log$/.test(name)).sort()
  const logs = await Promise.all(files.map((name) => readFile(join(stateDir, name), 'utf8')))
  const lines = logs
    .join('')
    .split('\n')
    .filter((line) => line.includes('the job starts from this checkpoint'))
  return lines.map((line) => JSON.parse(line))
}
