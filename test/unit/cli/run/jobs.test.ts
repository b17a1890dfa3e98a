import assert from 'node:assert/strict'
import { afterEach, beforeEach, suite, test } from 'node:test'
import type { Manifest } from '../../../../src/cli/manifests.ts'
import { RunJobs } from '../../../../src/cli/run/jobs.ts'
import { API_VERSION, type JobKind, PLURALS } from '../../../../src/contract/names.ts'
import type { KubeObject } from '../../../../src/kube/objects.ts'
import { finetune, pretrain, type RawJob, transfer } from '../../../support/job-cases.ts'
import { startTestCluster, type TestCluster } from '../../../support/local-cluster.ts'

const CLAIM_SPEC = { accessModes: ['ReadWriteMany'], resources: { requests: { storage: '1Gi' } } }

type Stored = KubeObject & { spec: Record<string, unknown> & { suspend?: boolean } }

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

const inFile = (object: RawJob | Manifest['object']): Manifest => ({
  file: 'jobs.yaml',
  object: JSON.parse(JSON.stringify(object)),
})
const refOf = (kind: JobKind, name: string) => ({
  apiVersion: API_VERSION,
  plural: PLURALS[kind],
  namespace: 'team',
  name,
})
const stored = (kind: JobKind, name: string) => cluster.client.get<Stored>(refOf(kind, name))
const suspended = async (kind: JobKind, name: string) => (await stored(kind, name)).spec.suspend
const ended = (name: string) =>
  cluster.client.mergePatch(
    { ...refOf('PretrainJob', name), subresource: 'status' },
    { status: { phase: 'Succeeded' } },
  )

/** Applies these objects as a run does, without training. @returns the printed lines */
async function run(...objects: (RawJob | Manifest['object'])[]): Promise<{ jobs: RunJobs; printed: string[] }> {
  const jobs = new RunJobs({
    kubeConfig: cluster.kubeconfigPath,
    stateDir: cluster.stateDir,
    parallelJobs: 100,
    signal: new AbortController().signal,
  })
  runs.push(jobs)
  const printed: string[] = []
  await jobs.apply(objects.map(inFile), { print: (line) => printed.push(line) })
  return { jobs, printed }
}
const named = async (jobs: RunJobs) => (await jobs.read()).jobs.map(({ metadata }) => metadata.name)

suite('applying the files of a run', () => {
  test('prints created, then unchanged, then configured', async () => {
    assert.deepEqual((await run(pretrain())).printed, ['PretrainJob/jft created'])
    assert.deepEqual((await run(pretrain())).printed, ['PretrainJob/jft unchanged'])
    assert.deepEqual((await run(pretrain({ backoffLimit: 3 }))).printed, ['PretrainJob/jft configured'])
  })

  test('an object with an empty map is unchanged the second time', async () => {
    const claim = {
      apiVersion: 'v1',
      kind: 'PersistentVolumeClaim',
      metadata: { name: 'c', annotations: {} },
      spec: CLAIM_SPEC,
    }
    await run(claim, pretrain())
    assert.equal((await run(claim, pretrain())).printed[0], 'PersistentVolumeClaim/c unchanged')
  })

  test('removes fields that are no longer in the file, and keeps fields set by others', async () => {
    const template = { nodeSelector: { disk: 'fast' } }
    await run({
      ...pretrain({ backoffLimit: 3, workers: { replicas: 5, template } }),
      metadata: { name: 'jft', namespace: 'team', annotations: { ours: '1' } },
    })
    await cluster.client.mergePatch(refOf('PretrainJob', 'jft'), { metadata: { annotations: { theirs: '2' } } })
    assert.deepEqual((await run(pretrain({ workers: { replicas: 5 } }))).printed, ['PretrainJob/jft configured'])
    const { spec, metadata } = await stored('PretrainJob', 'jft')
    assert.deepEqual([spec.workers, spec.backoffLimit, metadata.annotations], [{ replicas: 5 }, 20, { theirs: '2' }])
  })

  test('accepts an object as the API server returns it', async () => {
    await run(pretrain())
    const { printed } = await run((await stored('PretrainJob', 'jft')) as unknown as RawJob)
    assert.match(printed[0] ?? '', /^PretrainJob\/jft (configured|unchanged)$/)
  })

  test('names file, job and reason if the API server refuses', async () => {
    await run(pretrain({ seed: 1 }))
    await assert.rejects(run(pretrain({ seed: 2 })), {
      code: 'APPLY_REFUSED',
      message: /^jobs\.yaml: PretrainJob\/jft: .*spec\.seed.*cannot change/,
    })
  })

  test('stores and suspends nothing if any object is refused, and names each refused object', async () => {
    await run(pretrain({ seed: 1 }, 'one'), pretrain({ seed: 1 }, 'two'), pretrain({}, 'former'))
    const claim = { apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: { name: 'c', namespace: 'team' } }
    const again = run(claim, pretrain({}, 'three'), pretrain({ seed: 2 }, 'one'), pretrain({ seed: 2 }, 'two'))
    await assert.rejects(again, (error: Error) => {
      const refused = error.message.split('\n').map((line) => /^jobs\.yaml: (\w+\/\w+): /.exec(line)?.[1])
      assert.deepEqual(refused, ['PersistentVolumeClaim/c', 'PretrainJob/one', 'PretrainJob/two'])
      return true
    })
    await assert.rejects(stored('PretrainJob', 'three'), { reason: 'NotFound' })
    assert.equal((await stored('PretrainJob', 'one')).spec.seed, 1)
    assert.equal(await suspended('PretrainJob', 'former'), false)
  })

  test('prints that a job ended in a previous run', async () => {
    await run(pretrain())
    await ended('jft')
    assert.deepEqual((await run(pretrain())).printed, [
      'PretrainJob/jft unchanged (Succeeded in a previous run; --fresh starts over)',
    ])
  })
})

suite('unfinished jobs of previous runs', () => {
  test('are named and suspended, and are resumed when their file is run again', async () => {
    await run(pretrain({}, 'first'))
    const second = await run(pretrain({}, 'second'))
    assert.deepEqual(second.printed, [
      '1 unfinished job of a previous run is suspended: PretrainJob/first (to resume it, run its file again; --fresh deletes all previous runs)',
      'PretrainJob/second created',
    ])
    assert.deepEqual(await named(second.jobs), ['second'])
    assert.equal(await suspended('PretrainJob', 'first'), true)
    const third = await run(pretrain({}, 'first'))
    assert.deepEqual(
      third.printed.map((line) => line.split(' ').slice(0, 2).join(' ')),
      ['PretrainJob/first resumed', '1 unfinished', 'PretrainJob/first unchanged'],
    )
    assert.deepEqual([await suspended('PretrainJob', 'first'), await suspended('PretrainJob', 'second')], [false, true])
  })

  test('are not resumed if a user has suspended them', async () => {
    await run(pretrain({}, 'first'))
    await cluster.client.mergePatch(refOf('PretrainJob', 'first'), { spec: { suspend: true } })
    await run(pretrain({}, 'second'))
    await run(pretrain({}, 'first'))
    assert.equal(await suspended('PretrainJob', 'first'), true)
  })

  test('stay resumed if a user has resumed them', async () => {
    await run(pretrain({}, 'first'))
    await run(pretrain({}, 'second'))
    await cluster.client.mergePatch(refOf('PretrainJob', 'first'), { spec: { suspend: false } })
    await run(pretrain({}, 'first'))
    assert.equal(await suspended('PretrainJob', 'first'), false)
  })

  test('are not suspended if they have ended', async () => {
    await run(pretrain({}, 'first'))
    await ended('first')
    assert.deepEqual((await run(pretrain({}, 'second'))).printed, ['PretrainJob/second created'])
    assert.equal(await suspended('PretrainJob', 'first'), false)
  })

  test('are suspended and resumed together with the FinetuneJobs that they created', async () => {
    const file = pretrain({ transfers: [transfer()] }, 'first')
    await run(file)
    const { metadata } = await stored('PretrainJob', 'first')
    const owner = {
      apiVersion: API_VERSION,
      kind: 'PretrainJob',
      name: 'first',
      uid: metadata.uid ?? '',
      controller: true,
    }
    const child = inFile(finetune({ from: { pretrainJob: 'first' } }, 'first-imagenet')).object
    await cluster.client.create(refOf('FinetuneJob', 'x'), {
      ...child,
      metadata: { ...child.metadata, ownerReferences: [owner] },
    } as KubeObject)
    await ended('first')
    await run(pretrain({}, 'second'))
    assert.equal(await suspended('FinetuneJob', 'first-imagenet'), true)
    const { jobs } = await run(file)
    assert.equal(await suspended('FinetuneJob', 'first-imagenet'), false)
    assert.deepEqual((await named(jobs)).sort(), ['first', 'first-imagenet'])
  })

  test('are resumed and shown if a FinetuneJob of this run starts from them', async () => {
    await run(pretrain({}, 'first'))
    await run(pretrain({}, 'second'))
    const { jobs, printed } = await run(finetune({ from: { pretrainJob: 'first' } }))
    assert.equal(printed[0], 'PretrainJob/first resumed')
    assert.match(printed[1] ?? '', /^1 unfinished job of a previous run is suspended: PretrainJob\/second /)
    assert.deepEqual((await named(jobs)).sort(), ['birds', 'first'])
    assert.equal(await suspended('PretrainJob', 'first'), false)
  })
})

suite('reading the jobs of a run', () => {
  test('a deleted job is shown with its last state, and the run does not wait for it', async () => {
    const { jobs } = await run(pretrain())
    assert.deepEqual([await named(jobs), (await jobs.read()).isOver], [['jft'], false])
    await cluster.client.delete(refOf('PretrainJob', 'jft'))
    const { isOver, notes } = await jobs.read()
    assert.deepEqual([await named(jobs), isOver], [['jft'], true])
    assert.deepEqual(notes, ['PretrainJob/jft was deleted, or its ttlSecondsAfterFinished expired'])
  })

  test('the checkpoint folders of unfinished jobs can be read after an interruption', async () => {
    const interrupt = new AbortController()
    const jobs = new RunJobs({
      kubeConfig: cluster.kubeconfigPath,
      stateDir: cluster.stateDir,
      parallelJobs: 100,
      signal: interrupt.signal,
    })
    runs.push(jobs)
    const claim = {
      apiVersion: 'v1',
      kind: 'PersistentVolumeClaim',
      metadata: { name: 'checkpoints', namespace: 'team' },
      spec: CLAIM_SPEC,
    }
    await jobs.apply([claim, pretrain()].map(inFile), { print: () => {} })
    const [job] = (await jobs.read()).jobs
    interrupt.abort()
    await assert.rejects(jobs.read(), { name: 'AbortError' })
    const folder = `${cluster.stateDir}/volumes/team/checkpoints/team/jft-${job?.metadata.uid.slice(0, 8)}`
    assert.deepEqual([...(await jobs.unfinishedFolders())], [['PretrainJob/jft', folder]])
  })
})
