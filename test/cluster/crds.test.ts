/** Our CRDs on the real API server: it accepts and refuses the same jobs as `downpour validate`, and stores the same as local mode. */
import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { after, before, suite, test } from 'node:test'
import { loadAll } from 'js-yaml'
import { validateJob } from '../../src/api/parse.ts'
import { RULES } from '../../src/api/rules.ts'
import { API_VERSION, type JobKind, PLURALS } from '../../src/contract/names.ts'
import { ensureCluster } from '../../tools/cluster/ensure-cluster.ts'
import { exec } from '../../tools/cluster/exec.ts'
import type { Cluster } from '../../tools/cluster/up.ts'
import { type Answer, Api, closeNamespace, job, openNamespace } from '../conformance/api.ts'
import { CHANGE_CASES, JOB_CASES, type RawJob, SHORT_TEMPLATE } from '../support/job-cases.ts'
import { startTestCluster, type TestCluster } from '../support/local-cluster.ts'
import { applyCrds } from './crds.ts'

const TABLE = 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json'
const STRICT = 'fieldValidation=Strict'
const DRY_RUN = `dryRun=All&${STRICT}`

let cluster: Cluster
let localCluster: TestCluster
let real: Api
let local: Api

before(async () => {
  cluster = await ensureCluster()
  await applyCrds(cluster)
  localCluster = await startTestCluster({ runPods: false })
  real = new Api(cluster.kubeconfig)
  local = new Api(localCluster.kubeconfigPath)
  await Promise.all([real, local].map(openNamespace))
})
after(async () => {
  await closeNamespace(real)
  await Promise.all([real.close(), local.close()])
  await localCluster.dispose()
})

/** Runs kubectl against the real API server or local mode's. */
function kubectl(api: Api, args: string, input = ''): Promise<string> {
  const kubeconfig = api === real ? cluster.kubeconfig : localCluster.kubeconfigPath
  return exec(cluster.kubectl, [`--kubeconfig=${kubeconfig}`, `-n=${api.namespace}`, ...args.split(' ')], { input })
}

function collection(api: Api, kind: JobKind): string {
  return `/apis/${API_VERSION}/namespaces/${api.namespace}/${PLURALS[kind]}`
}

type Named = Omit<RawJob, 'metadata'> & { metadata: { name: string } }

/** Creates the job in the test's namespace, whatever namespace it names. */
function create(api: Api, { metadata, ...rest }: Named, options = STRICT): Promise<Answer> {
  return api.create(`${collection(api, rest.kind)}?${options}`, { ...rest, metadata: { name: metadata.name } })
}

suite('every sample is accepted, and stored as in local mode', () => {
  for (const file of globSync('deploy/samples/*.yaml').sort())
    test(file, async () => {
      await kubectl(real, `apply --server-side --dry-run=server -f ${file}`)
      const jobs = loadAll(readFileSync(file, 'utf8')).filter((one) => (one as RawJob).apiVersion === API_VERSION)
      // Files that make data contain no job, because data must exist before the job.
      assert.equal(jobs.length > 0, !file.endsWith('-data.yaml'))
      for (const one of jobs as RawJob[]) await assertStoredAlike(one)
    })
})

async function assertStoredAlike(one: RawJob): Promise<void> {
  const answers = await Promise.all([real, local].map((api) => create(api, one, DRY_RUN)))
  const [realAnswer, localAnswer] = answers.map(({ status, body }) => ({
    status,
    message: body.message,
    spec: body.spec,
  }))
  assert.equal(realAnswer?.status, 201, realAnswer?.message)
  assert.deepEqual(localAnswer, realAnswer)
}

suite('the real API server gives the answer of `downpour validate`', () => {
  for (const { name, job: one, issue, cel } of JOB_CASES)
    test(`${issue ? 'refused' : 'accepted'}: ${name}`, async () => {
      if (!issue) return assertStoredAlike(one)
      const { status, body } = await create(real, one, DRY_RUN)
      assert.ok(status === 422 || status === 400, `${status} ${body.message}`)
      const issues = validateJob(one)
      assert.ok(
        issues.some(({ path }) => namesField(body.message, path)),
        `${body.message}\nnames none of ${issues.map(({ path }) => path)}`,
      )
      if (cel) assert.ok(body.message.includes(cel), body.message)
      for (const { path, message } of issues.filter(isFromRules))
        assert.match(body.message, new RegExp(`${escaped(path)}: Invalid value: .*: ${escaped(message)}`))
    })
})

/** Whether the issue comes from one of the rules that are CEL rules in the CRD. */
const isFromRules = (issue: { path: string; message: string }) =>
  RULES.some(({ path, message }) => path === issue.path && message === issue.message)
const escaped = (text: string) => text.replace(/[^\w ]/g, '\\$&')

/** Whether the message has the path, the path without `spec.` as rules of the spec write it, or the parent's path. */
function namesField(message: string, path: string): boolean {
  const parent = path.replace(/(\.\w+|\[\d+\])$/, '')
  return message.includes(path.replace(/^spec\./, '')) || (parent !== 'spec' && message.includes(parent))
}

suite('fields that shaped the weights cannot change on the real API server', () => {
  for (const [index, { name, before: was, after: is, field, message }] of CHANGE_CASES.entries())
    test(`${field ? 'refused' : 'accepted'}: another value of ${name}`, async () => {
      const named = (one: RawJob) => ({ ...one, metadata: { ...one.metadata, name: `change-${index}` } })
      assert.equal((await create(real, named(was))).status, 201)
      const path = `${collection(real, is.kind)}/change-${index}`
      const { resourceVersion } = (await real.get(path)).body.metadata
      const metadata = { name: `change-${index}`, resourceVersion }
      const { status, body } = await real.call('PUT', path, { body: { ...is, metadata } })
      if (!field) return assert.equal(status, 200, body.message)
      const causes = body.details.causes.map((cause: { field: string }) => cause.field)
      assert.deepEqual([status, causes], [422, [`spec.${field}`]])
      assert.match(body.message, new RegExp(message ?? 'cannot change; make a new job'))
    })
})

test('transfers are stored as applied, so that a GitOps client finds no difference', async () => {
  const transfers = [{ name: 'ft', at: { success: true }, template: SHORT_TEMPLATE }]
  for (const api of [real, local]) {
    const { status, body } = await create(api, job('gitops', { transfers }), DRY_RUN)
    assert.equal(status, 201, body.message)
    assert.deepEqual(body.spec.transfers, transfers)
  }
})

const STATUS = {
  phase: 'Running',
  progress: { step: 7, percent: '7%', loss: 0.25 },
  headline: 'mAP@100 0.5',
  replicas: { ps: { summary: '1/1' }, worker: { summary: '2/2' } },
  restarts: { total: 3 },
}

test('kubectl prints the same columns and cells as in local mode', async () => {
  for (const [kind, sample] of [
    ['PretrainJob', job('printed')],
    ['FinetuneJob', JOB_CASES.find(({ job: { kind }, issue }) => kind === 'FinetuneJob' && !issue)?.job],
  ] as const) {
    assert.ok(sample)
    const named = (name: string) => ({ ...sample, metadata: { ...sample.metadata, name } })
    for (const api of [real, local]) {
      await create(api, named('fresh'))
      await create(api, named('printed'))
      const set = await api.patch(`${collection(api, kind)}/printed/status`, { status: STATUS })
      assert.equal(set.status, 200, set.body.message)
    }
    const [realTable, localTable] = await Promise.all([real, local].map((api) => tableOf(api, kind)))
    assert.deepEqual(localTable, realTable)
    for (const wide of ['', ' -o wide']) {
      const [realText, localText] = await Promise.all(
        [real, local].map((api) => kubectl(api, `get ${PLURALS[kind]} fresh printed${wide}`)),
      )
      assert.equal(withoutAge(localText), withoutAge(realText))
    }
  }
})

test('reduced scores and the progress of the evaluator are stored in a status as they are written', async () => {
  const scores = { metrics: { top1: 0.96, loss: 0.353 }, examples: 200 }
  const results = { step: 60, ...scores, reduced: { metrics: { top1: 0.955, loss: 0.36 }, examples: 187 } }
  const status = { results, evaluation: { waiting: 2, skipped: 3 }, headline: 'top1 0.960 (0.955 reduced)' }
  for (const api of [real, local]) {
    await create(api, job('scored'))
    const path = `${collection(api, 'PretrainJob')}/scored`
    const set = await api.patch(`${path}/status?fieldValidation=Strict`, { status })
    assert.equal(set.status, 200, set.body.message)
    assert.deepEqual((await api.get(path)).body.status, status)
  }
})

async function tableOf(api: Api, kind: JobKind) {
  const { body } = await api.call('GET', collection(api, kind), { accept: TABLE })
  const columns = body.columnDefinitions.map(({ name, type, priority }: Record<string, unknown>) => [
    name,
    type,
    priority,
  ])
  const rows = body.rows
    .map(({ cells }: { cells: unknown[] }) => cells.slice(0, -1))
    .filter(([name]: unknown[]) => name === 'fresh' || name === 'printed')
  return { columns, rows }
}

const withoutAge = (text: string | undefined) => text?.replace(/\d+[smh]\S*$/gm, 'AGE')

test('kubectl finds our kinds by their short names and category', async () => {
  await create(real, job('reached'))
  assert.match(await kubectl(real, 'get pj reached -o name'), /^pretrainjob\.downpour\.dev\/reached$/m)
  assert.match(await kubectl(real, 'get downpour -o name'), /^pretrainjob\.downpour\.dev\/reached$/m)
  assert.match(await kubectl(real, 'explain fj'), /KIND: +FinetuneJob/)
})

test('kubectl explain describes the fields', async () => {
  const explanation = await kubectl(real, 'explain pj.spec.workers')
  assert.match(explanation, /FIELD: workers <Object>/)
  assert.match(explanation, /DESCRIPTION:\n {4}\w+/)
  assert.match(explanation, /quorum\s+<integer>\n\s+\w+/)
  assert.equal(await kubectl(local, 'explain pj.spec.workers'), explanation)
})

test('kubectl scale sets the number of workers, and an invalid number is refused', async () => {
  await create(real, job('scaled'))
  await kubectl(real, 'scale pj/scaled --replicas=3')
  assert.equal(await kubectl(real, 'get pj scaled -o jsonpath={.spec.workers.replicas}'), '3')
  await assert.rejects(kubectl(real, 'scale pj/scaled --replicas=0'), /spec\.workers\.replicas/)
})
