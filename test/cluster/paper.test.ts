/** deploy/samples/paper.yaml as objects on a real API server: each job gets its pods when its source has ended. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, suite, test } from 'node:test'
import { loadAll } from 'js-yaml'
import type { Job } from '../../src/api/job.ts'
import { parseJob } from '../../src/api/parse.ts'
import { type Ancestor, lineageText } from '../../src/contract/first-weights.ts'
import { API_VERSION, LABELS, PLURALS, podName, ROLES, type Role } from '../../src/contract/names.ts'
import { ENV } from '../../src/contract/runtime.ts'
import { CoordinatorStatus, EvaluatorStatus } from '../../src/contract/status.ts'
import type { KubeObject } from '../../src/kube/objects.ts'
import { desiredOf } from '../../src/plan/replicas.ts'
import { checkpointPath } from '../../src/plan/runtime-config.ts'
import { eventually } from '../support/eventually.ts'
import { openNamespace, type TestNamespace } from './fixture.ts'

type RawJob = Parameters<typeof parseJob>[0] & { kind: Job['kind']; metadata: { name: string } }
interface Pod extends KubeObject {
  spec: {
    containers: {
      env: { name: string; value?: string }[]
      resources: { limits?: Readonly<Record<string, string>> }
    }[]
  }
}

const GPU = 'nvidia.com/gpu'
const gpusOf = ({ spec }: Pod) => Number(spec.containers[0]?.resources.limits?.[GPU] ?? 0)

const SOON = { timeoutMs: 120_000, intervalMs: 500 }
/** Claims of the test. Fake nodes mount nothing, so the data sets share one. */
const YAML = readFileSync('deploy/samples/paper.yaml', 'utf8').replaceAll(
  /claimName: (?!checkpoints)\w+/g,
  'claimName: data',
)
const JOBS = loadAll(YAML) as RawJob[]
const INITS = ['imagenet', 'jft', 'imagenet-jft'] as const

let namespace: TestNamespace
before(async () => {
  namespace = await openNamespace(`paper-${process.pid}`)
  namespace.startOperator(['--no-leader-elect'])
})
after(() => namespace.remove())

const refOf = ({ kind, metadata }: RawJob) => ({
  apiVersion: API_VERSION,
  plural: PLURALS[kind],
  namespace: namespace.name,
  name: metadata.name,
})
const named = (name: string): RawJob => JOBS.find(({ metadata }) => metadata.name === name) as RawJob
const transfersOf = (source: string) => JOBS.filter(({ metadata }) => metadata.name.startsWith(`${source}-to-`))
const read = async (job: RawJob) => parseJob(await namespace.client.get<KubeObject>(refOf(job)))

async function podsOf({ metadata }: RawJob): Promise<Pod[]> {
  const pods = (await namespace.pods()) as Pod[]
  return pods.filter(({ metadata: { labels } }) => labels?.[LABELS.jobName] === metadata.name)
}

/** Waits until the job has the pods of its preset. */
async function untilPlaced(raw: RawJob): Promise<Pod[]> {
  const wanted = desiredOf(await read(raw))
  return eventually(async () => {
    const pods = await podsOf(raw)
    const counts = ROLES.map((role) => pods.filter(({ metadata }) => metadata.labels?.[LABELS.role] === role).length)
    assert.deepEqual(
      counts,
      ROLES.map((role) => wanted[role]),
      raw.metadata.name,
    )
    return pods
  }, SOON)
}

async function untilPhase(raw: RawJob, phase: string): Promise<Job> {
  return eventually(async () => {
    const job = await read(raw)
    assert.equal(job.status?.phase, phase, `${raw.metadata.name}: ${JSON.stringify(job.status?.conditions)}`)
    return job
  }, SOON)
}

/** Ends the pods of a job as its processes would, with what they say in their last message. */
async function finish(raw: RawJob): Promise<Job> {
  const job = await read(raw)
  const { maxSteps: step } = job.spec
  const digest = digestOf(job)
  const messages: Partial<Record<Role, object>> = {
    ps: coordinatorOf(job, step, digest, await lineageOf(job)),
    evaluator: EvaluatorStatus.parse({
      role: 'evaluator',
      index: 0,
      phase: 'done',
      evaluations: [{ step, digest, metrics: { AP: 0.5, top1: 0.5, mIOU: 0.5 }, examples: 8000 }],
      failure: null,
    }),
  }
  const finishedAt = new Date().toISOString()
  const end = async ({ metadata }: Pod) => {
    const role = metadata.labels?.[LABELS.role] as Role
    const isFirst = metadata.name === podName(job.kind, job.metadata.name, role, 0)
    const message = isFirst ? JSON.stringify(messages[role] ?? {}) : ''
    const state = { terminated: { exitCode: 0, reason: 'Completed', finishedAt, message } }
    const ref = { apiVersion: 'v1', plural: 'pods', namespace: namespace.name, name: metadata.name ?? '' }
    const status = { phase: 'Succeeded', containerStatuses: [{ name: role, state }] }
    await namespace.client.mergePatch({ ...ref, subresource: 'status' }, { status })
  }
  await Promise.all((await podsOf(raw)).map(end))
  return untilPhase(raw, 'Succeeded')
}

/** Differs from job to job. */
const digestOf = ({ metadata }: Job) => Buffer.from(metadata.uid).toString('hex').slice(0, 64).padEnd(64, '0')

/** What parameter server 0 reads from the manifest of the source. */
async function lineageOf({ status }: Job): Promise<Ancestor[]> {
  const { source } = status ?? {}
  if (!source?.pretrainJob) return []
  const from = await read(named(source.pretrainJob))
  return [
    { kind: from.kind, name: from.metadata.name, step: source.step, digest: source.digest },
    ...(from.status?.lineage ?? []),
  ]
}

function coordinatorOf(job: Job, step: number, digest: string, lineage: readonly Ancestor[]): CoordinatorStatus {
  const savedAt = new Date().toISOString()
  const path = `${checkpointPath(job)}/step-${String(step).padStart(9, '0')}`
  return CoordinatorStatus.parse({
    role: 'ps',
    index: 0,
    phase: 'done',
    incarnation: 1,
    step,
    maxSteps: step,
    loss: 1,
    learningRate: 1e-4,
    examplesPerSecond: 222,
    etaSeconds: null,
    staleness: { mean: 49, p99: 90, max: 120 },
    pushes: { applied: step, duplicate: 0, stale: 0, nonfinite: 0, fenced: 0 },
    workersConnected: 0,
    workersContributed: job.spec.workers.replicas,
    epoch: 3,
    lineage,
    checkpoints: [{ step, digest, path, savedAt, final: true }],
    pinned: [],
    checkpointFailures: { count: 0, lastError: null },
    failure: null,
  })
}

/** The job's source is the last checkpoint of `source`, and its pods load that one. */
async function assertStartsFrom(raw: RawJob, source: Job): Promise<void> {
  const { status } = await read(raw)
  const digest = digestOf(source)
  assert.partialDeepStrictEqual(status?.source, {
    pretrainJob: source.metadata.name,
    step: source.spec.maxSteps,
    digest,
  })
  const [server] = await podsOf(raw)
  const config = server?.spec.containers[0]?.env.find(({ name }) => name === ENV.config)?.value ?? ''
  assert.partialDeepStrictEqual(JSON.parse(config).init, { type: 'checkpoint', digest })
}

suite('the chain of the paper', { concurrency: false }, () => {
  test('starts with the pods of both PretrainJobs, and every other job waits without pods', async () => {
    await Promise.all(
      JOBS.map((job) => {
        const { name: _, ...collection } = refOf(job)
        return namespace.client.create(collection, job as unknown as KubeObject)
      }),
    )
    for (const name of ['imagenet', 'jft']) {
      const pods = await untilPlaced(named(name))
      assert.equal(pods.length, 68)
      assert.equal(
        pods.reduce((sum, pod) => sum + gpusOf(pod), 0),
        51,
        '50 workers and the evaluator have a GPU each',
      )
    }
    const waiting = JOBS.filter(({ metadata }) => !['imagenet', 'jft'].includes(metadata.name))
    assert.equal(waiting.length, 16)
    await Promise.all(waiting.map((job) => untilPhase(job, 'Waiting')))
    assert.equal((await namespace.pods()).length, 2 * 68)
  })

  test('goes on from the checkpoint of ImageNet on JFT-300M, and the first ten transfers get their pods', async () => {
    const [imagenet, jft] = [await finish(named('imagenet')), await finish(named('jft'))]
    await untilPlaced(named('imagenet-jft'))
    await assertStartsFrom(named('imagenet-jft'), imagenet)
    for (const [source, transfers] of [
      [imagenet, transfersOf('imagenet')],
      [jft, transfersOf('jft')],
    ] as const) {
      assert.equal(transfers.length, 5)
      for (const job of transfers) {
        await untilPlaced(job)
        await assertStartsFrom(job, source)
      }
    }
    for (const job of transfersOf('imagenet-jft')) assert.deepEqual(await podsOf(job), [], job.metadata.name)
  })

  test('ends with the transfers of ImageNet+300M, and each job names all of its ancestors', async () => {
    await Promise.all([...transfersOf('imagenet'), ...transfersOf('jft')].map(finish))
    const both = await finish(named('imagenet-jft'))
    for (const job of transfersOf('imagenet-jft')) {
      await untilPlaced(job)
      await assertStartsFrom(job, both)
    }
    const ended = await Promise.all(transfersOf('imagenet-jft').map(finish))
    for (const { status, metadata } of ended)
      assert.equal(
        lineageText(status?.lineage),
        'PretrainJob/imagenet-jft step 36000000 < PretrainJob/imagenet step 5000000',
        metadata.name,
      )
    for (const source of INITS) for (const job of transfersOf(source)) await untilPhase(job, 'Succeeded')
  })
})
