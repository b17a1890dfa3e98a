import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import { showStatus } from '../../../../src/cli/verbs/status.ts'
import { API_VERSION, type JobKind, PLURALS } from '../../../../src/contract/names.ts'
import { finetune, pretrain, type RawJob } from '../../../support/job-cases.ts'
import { startTestCluster, type TestCluster } from '../../../support/local-cluster.ts'
import { capture } from '../io.ts'

let cluster: TestCluster
beforeEach(async () => {
  cluster = await startTestCluster({ runPods: false })
})
afterEach(() => cluster.dispose())

const collection = (kind: JobKind, namespace = 'team') => ({
  apiVersion: API_VERSION,
  plural: PLURALS[kind],
  namespace,
})
const create = ({ kind, ...job }: RawJob) =>
  cluster.client.create(collection(kind, job.metadata.namespace), { kind, ...job })
const PROGRESS = { step: 100, maxSteps: 400, percent: '25%', examplesPerSecond: 123.4, loss: 1.23456, etaSeconds: 75 }
const train = (name: string) =>
  cluster.client.mergePatch(
    { ...collection('PretrainJob'), name, subresource: 'status' },
    {
      status: { phase: 'Running', progress: PROGRESS, replicas: { worker: { summary: '2/2', ready: 2, desired: 2 } } },
    },
  )

async function status(names: string[], options: { json?: boolean; namespace?: string; stateDir?: string } = {}) {
  const { written, io } = capture()
  const code = await showStatus(names, { stateDir: cluster.stateDir, ...options }, io)
  return { code, ...written }
}

test('prints the table of the run in the state folder', async () => {
  await create(pretrain())
  await create(finetune({}, 'tuned'))
  await train('jft')
  const { code, out } = await status([])
  assert.equal(code, 0)
  assert.deepEqual(
    out.split('\n').map((line) => line.split(/ {2,}/)),
    [
      ['JOB', 'PHASE', 'STEP', 'LOSS', 'EXAMPLES/S', 'ETA', 'WORKERS', 'RESULT'],
      ['pj/jft', 'Running', '100/400 (25%)', '1.235', '123', '1m15s', '2/2'],
      ['fj/tuned', 'Pending', '-', '-', '-', '-', '-'],
      [''],
    ],
  )
})

test('prints the named jobs, by name or KIND/NAME, and fails if one does not exist', async () => {
  await create(pretrain())
  await create(pretrain({}, 'other'))
  for (const name of ['other', 'pj/other', 'PretrainJob/other']) {
    const { code, out } = await status([name])
    assert.deepEqual([code, out.match(/^pj\/\S+/gm)], [0, ['pj/other']], name)
  }
  const { code, out, err } = await status(['jft', 'fj/jft'])
  assert.deepEqual([code, out.match(/^pj\/\S+/gm)], [1, ['pj/jft']])
  assert.match(err, /^JOB_NOT_FOUND: fj\/jft/)
})

test('--json prints the same facts and leaves out unknown ones', async () => {
  await create(pretrain())
  await create(pretrain({}, 'young'))
  await train('jft')
  const { out } = await status([], { json: true })
  const [jft, young] = JSON.parse(out).jobs
  const { percent: _, ...progress } = PROGRESS
  assert.deepEqual(jft, {
    kind: 'PretrainJob',
    name: 'jft',
    namespace: 'team',
    phase: 'Running',
    ...progress,
    workers: { ready: 2, desired: 2 },
  })
  assert.deepEqual(Object.keys(young), ['kind', 'name', 'namespace', 'phase', 'maxSteps'])
})

test('shows the namespace if jobs are in several; --namespace shows only the jobs of one', async () => {
  const elsewhere = pretrain()
  await create(pretrain())
  await create({ ...elsewhere, metadata: { ...elsewhere.metadata, namespace: 'other-team' } })
  assert.deepEqual((await status([])).out.match(/^pj.*\)/gm)?.sort(), ['pj/jft (other-team)', 'pj/jft (team)'])
  assert.deepEqual((await status([], { namespace: 'team' })).out.match(/^pj\/\S+/gm), ['pj/jft'])
  assert.deepEqual(await status([], { namespace: 'nothing' }), { code: 0, out: '', err: 'no jobs\n' })
})

test('fails if the run of the state folder has ended', async (t) => {
  const stateDir = await mkdtemp(join(tmpdir(), 'downpour-ended-'))
  t.after(() => rm(stateDir, { recursive: true }))
  const server = 'http://127.0.0.1:9'
  await writeFile(
    join(stateDir, 'kubeconfig'),
    JSON.stringify({
      clusters: [{ name: 'c', cluster: { server } }],
      contexts: [{ name: 'c', context: { cluster: 'c', user: 'u' } }],
      users: [{ name: 'u', user: {} }],
      'current-context': 'c',
    }),
  )
  await assert.rejects(status([], { stateDir }), { code: 'API_UNREACHABLE', details: { stateDir } })
})

test('shows what each job has loaded and the checkpoints that its weights descend from', async () => {
  await create(pretrain())
  await create(pretrain({}, 'voc'))
  await create(pretrain({}, 'young'))
  const part = (variables: number) => ({ variables, values: 10 * variables, names: ['w'] })
  const lineage = ['jft', 'imagenet'].map((name, i) => ({ kind: 'PretrainJob', name, step: 9 - i, digest: 'd' }))
  const init = { loaded: part(312), skipped: part(2), new: part(4) }
  for (const [name, status] of [
    ['voc', { init, lineage }],
    ['jft', { init: { ...init, loaded: part(0) } }],
  ] as const)
    await cluster.client.mergePatch({ ...collection('PretrainJob'), name, subresource: 'status' }, { status })
  const { out } = await status([])
  assert.deepEqual(
    out
      .split('\n\n')[1]
      ?.trimEnd()
      .split('\n')
      .map((line) => line.split(/ {2,}/)),
    [
      ['JOB', 'LOADED', 'SKIPPED', 'NEW', 'FROM'],
      ['pj/jft', '0', '2', '4', 'random weights'],
      ['pj/voc', '312', '2', '4', 'PretrainJob/jft step 9 < PretrainJob/imagenet step 8'],
    ],
  )
  const { jobs } = JSON.parse((await status(['voc'], { json: true })).out)
  assert.deepEqual([jobs[0].init, jobs[0].lineage], [init, lineage])
})
