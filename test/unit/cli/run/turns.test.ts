import assert from 'node:assert/strict'
import { afterEach, beforeEach, suite, test } from 'node:test'
import { RunJobs } from '../../../../src/cli/run/jobs.ts'
import { waitingOf } from '../../../../src/cli/waiting.ts'
import { API_VERSION, type JobKind, PLURALS } from '../../../../src/contract/names.ts'
import type { KubeObject } from '../../../../src/kube/objects.ts'
import { finetune, pretrain, type RawJob } from '../../../support/job-cases.ts'
import { startTestCluster, type TestCluster } from '../../../support/local-cluster.ts'

let cluster: TestCluster
let runs: RunJobs[]
beforeEach(async () => {
  cluster = await startTestCluster({ runPods: false })
  runs = []
})
afterEach(async () => {
  for (const jobs of runs) await jobs.close()
  await cluster.dispose()
})

/** Applies these objects as a run does, without an operator. @returns the printed lines */
async function run(parallelJobs: number, ...objects: RawJob[]): Promise<{ jobs: RunJobs; printed: string[] }> {
  const signal = new AbortController().signal
  const jobs = new RunJobs({
    kubeConfig: cluster.kubeconfigPath,
    stateDir: cluster.stateDir,
    parallelJobs,
    signal,
  })
  runs.push(jobs)
  const printed: string[] = []
  const manifests = objects.map((object) => ({ file: 'jobs.yaml', object: JSON.parse(JSON.stringify(object)) }))
  await jobs.apply(manifests, { print: (line) => printed.push(line) })
  return { jobs, printed }
}

const refOf = (kind: JobKind, name: string) => ({
  apiVersion: API_VERSION,
  plural: PLURALS[kind],
  namespace: 'team',
  name,
})
const stored = (kind: JobKind, name: string) =>
  cluster.client.get<KubeObject & { spec: { suspend?: boolean } }>(refOf(kind, name))

/** What the operator would write. */
const setStatus = (kind: JobKind, name: string, status: object) =>
  cluster.client.mergePatch({ ...refOf(kind, name), subresource: 'status' }, { status })
const succeed = (kind: JobKind, name: string) => setStatus(kind, name, { phase: 'Succeeded' })

/** Names of the jobs that may train now, after the run has looked at them. */
async function training(jobs: RunJobs): Promise<string[]> {
  await jobs.read()
  const { jobs: now } = await jobs.read()
  return now
    .filter(({ spec, status }) => !spec.suspend && status?.phase !== 'Succeeded')
    .map(({ metadata }) => metadata.name)
    .sort()
}

const NOW = '2026-01-01T00:00:00Z'
const sourceMissing = (observedGeneration = 0) => ({
  type: 'SourceResolved',
  status: 'False',
  reason: 'SourceMissing',
  message: 'waits',
  lastTransitionTime: NOW,
  observedGeneration,
})
const twin = (name: string) => finetune({ init: 'random', from: undefined }, name)

suite('turns of the jobs of a run', () => {
  test('two at a time, in the order of the files, each pair side by side after its source has ended', async () => {
    const pairs = [finetune({}, 'a'), twin('a-random'), finetune({}, 'b'), twin('b-random')]
    const { jobs, printed } = await run(2, pretrain(), ...pairs)
    assert.equal(printed.at(-1), '4 jobs wait for their turn: at most 2 jobs train at a time (--parallel-jobs)')
    assert.deepEqual(await training(jobs), ['jft'])
    await succeed('PretrainJob', 'jft')
    assert.deepEqual(await training(jobs), ['a', 'a-random'])
    await succeed('FinetuneJob', 'a-random')
    assert.deepEqual(await training(jobs), ['a', 'b'])
    await succeed('FinetuneJob', 'a')
    assert.deepEqual(await training(jobs), ['b', 'b-random'])
  })

  test('without more jobs than may train, none is suspended and nothing is printed about turns', async () => {
    const { jobs, printed } = await run(2, twin('a'), twin('b'))
    assert.deepEqual(printed, ['FinetuneJob/a created', 'FinetuneJob/b created'])
    assert.deepEqual(await training(jobs), ['a', 'b'])
  })

  test('a job comes after its source, even if its file names it first, and a later job does not overtake it', async () => {
    const { jobs } = await run(2, finetune({}, 'early'), twin('later'), pretrain())
    assert.deepEqual(await training(jobs), ['jft'])
    await succeed('PretrainJob', 'jft')
    assert.deepEqual(await training(jobs), ['early', 'later'])
  })

  test('a job that starts from a step may train beside its source once the step is saved', async () => {
    const { jobs } = await run(2, pretrain(), finetune({ from: { pretrainJob: 'jft', checkpoint: 'step', step: 500 } }))
    assert.deepEqual(await training(jobs), ['jft'])
    await setStatus('PretrainJob', 'jft', {
      phase: 'Running',
      checkpoints: [{ step: 500, digest: 'd', path: 'p', savedAt: NOW, final: false }],
    })
    assert.deepEqual(await training(jobs), ['birds', 'jft'])
  })

  test('the source may be ended, suspended by the user or missing: the job then does not wait for its turn', async () => {
    const { jobs } = await run(2, pretrain({ suspend: true }), finetune({}, 'a'), finetune({}, 'b'), twin('c'))
    assert.deepEqual(await training(jobs), ['a', 'b'])
    for (const name of ['a', 'b']) {
      const { metadata } = await stored('FinetuneJob', name)
      await setStatus('FinetuneJob', name, {
        phase: 'Pending',
        observedGeneration: metadata.generation,
        conditions: [sourceMissing(metadata.generation)],
      })
    }
    assert.deepEqual(await training(jobs), ['a', 'b', 'c'])
  })

  test('jobs that start from each other do not hold up the others', async () => {
    const ring = [pretrain({ from: { pretrainJob: 'two' } }, 'one'), pretrain({ from: { pretrainJob: 'one' } }, 'two')]
    const { jobs } = await run(4, ...ring, twin('c'))
    assert.ok((await training(jobs)).length > 0)
    await succeed('PretrainJob', 'one')
    await succeed('PretrainJob', 'two')
    assert.deepEqual(await training(jobs), ['c'])
  })

  test('a job says in kubectl and in `downpour status` why it is suspended', async () => {
    const { jobs } = await run(1, twin('a'), twin('b'))
    const [, b] = (await jobs.read()).jobs
    const text = 'waits for its turn: at most 1 job trains at a time (--parallel-jobs)'
    assert.equal(b && waitingOf(b)?.text, text)
    const { metadata, spec } = await stored('FinetuneJob', 'b')
    assert.deepEqual([metadata.annotations, spec.suspend], [{ 'local.downpour.dev/turn': text }, true])
    await succeed('FinetuneJob', 'a')
    await jobs.read()
    const later = await stored('FinetuneJob', 'b')
    assert.deepEqual([later.metadata.annotations ?? {}, later.spec.suspend ?? false], [{}, false])
  })

  test('a job that the user has suspended has no turn, and one that the user resumes out of turn keeps training', async () => {
    const { jobs } = await run(
      1,
      finetune({ init: 'random', from: undefined, suspend: true }, 'mine'),
      twin('a'),
      twin('b'),
    )
    assert.deepEqual(await training(jobs), ['a'])
    await cluster.client.mergePatch(refOf('FinetuneJob', 'b'), { spec: { suspend: false } })
    assert.deepEqual(await training(jobs), ['a', 'b'])
    await succeed('FinetuneJob', 'a')
    await succeed('FinetuneJob', 'b')
    assert.deepEqual(await training(jobs), [])
    assert.equal((await stored('FinetuneJob', 'mine')).spec.suspend, true)
  })

  test('a later run of the files continues with the jobs that still wait; another file leaves them suspended', async () => {
    const files = [twin('a'), twin('b'), twin('c')]
    await run(1, ...files)
    const other = await run(1, twin('other'))
    assert.deepEqual(await training(other.jobs), ['other'])
    await succeed('FinetuneJob', 'other')
    assert.deepEqual(await training(other.jobs), [])
    await succeed('FinetuneJob', 'a')
    const again = await run(1, ...files)
    assert.deepEqual(await training(again.jobs), ['b'])
    const wider = await run(2, ...files)
    assert.deepEqual(await training(wider.jobs), ['b', 'c'])
  })
})
