/**
 * Good jobs, changed at random: the real API server, `downpour validate` and local mode's API server take the same ones.
 * DOWNPOUR_WALK_SEED and DOWNPOUR_WALK_JOBS choose another walk.
 */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { Issue } from '../../src/api/issue.ts'
import type { Job } from '../../src/api/job.ts'
import { issueText, parseJob, validateJob } from '../../src/api/parse.ts'
import { API_VERSION, PLURALS, ROLES } from '../../src/contract/names.ts'
import { mapLimit } from '../../src/kube/map-limit.ts'
import { planJob } from '../../src/plan/job-plan.ts'
import { createRandom } from '../../src/support/random.ts'
import { ensureCluster } from '../../tools/cluster/ensure-cluster.ts'
import { type Answer, Api, closeNamespace, openNamespace } from '../conformance/api.ts'
import type { RawJob } from '../support/job-cases.ts'
import { startTestCluster, type TestCluster } from '../support/local-cluster.ts'
import { GOOD_JOBS, type Mutated, mutate } from '../support/mutations.ts'
import { applyCrds } from './crds.ts'

const SEED = Number(process.env.DOWNPOUR_WALK_SEED ?? 9)
const JOBS = Number(process.env.DOWNPOUR_WALK_JOBS ?? 2000)
const AT_ONCE = 8
const SHOWN = 20

let real: Api
let local: Api
let localCluster: TestCluster

before(async () => {
  const cluster = await ensureCluster()
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

/** Sent where the good job would be, whatever kind it says it is now. */
function send(api: Api, { kind }: RawJob, job: RawJob): Promise<Answer> {
  const path = `/apis/${API_VERSION}/namespaces/${api.namespace}/${PLURALS[kind]}?dryRun=All&fieldValidation=Strict`
  const { metadata } = job
  const isNamed = typeof metadata === 'object' && metadata !== null && !Array.isArray(metadata)
  return api.create(path, isNamed ? { ...job, metadata: { ...metadata, namespace: api.namespace } } : job)
}

interface Verdicts {
  changes: readonly string[]
  kinds: readonly string[]
  job: RawJob
  there: Answer
  here: Answer
  issues: readonly string[]
  /** Of the issues. */
  paths: readonly string[]
}

interface Case extends Mutated {
  good: RawJob
}

async function judge({ good, job, ...made }: Case): Promise<Verdicts> {
  const [there, here] = await Promise.all([real, local].map((api) => send(api, good, job)))
  const issues = issuesOf(good, job)
  const paths = issues.map(({ path }) => path)
  return { ...made, job, there: there as Answer, here: here as Answer, issues: issues.map(issueText), paths }
}

/** The address says the kind, too. */
function issuesOf(good: RawJob, job: RawJob): Issue[] {
  const issues = validateJob(job)
  const message = `expected ${good.kind}`
  return good.kind === job.kind || issues.length > 0
    ? issues
    : [{ path: 'kind', value: job.kind, expected: good.kind, message }]
}

const isTaken = ({ status }: Answer) => status === 201

function textOf({ changes, there, here, issues }: Verdicts): string {
  return [
    changes.join('; '),
    `  API server: ${there.status} ${String(there.body.message ?? 'taken').slice(0, 500)}`,
    `  local mode: ${here.status} ${String(here.body.message ?? 'taken').slice(0, 500)}`,
    `  validate:   ${issues.join('\n').slice(0, 500) || 'valid'}`,
  ].join('\n')
}

/** Fields that the API server names; none where it could not even read the object. */
function namedBy({ body }: Answer): string[] {
  const causes = (body.details?.causes ?? []) as { field?: string }[]
  const unknown = [...String(body.message).matchAll(/unknown field "([^"]+)"/g)].map(([, path = '']) => path)
  return [...causes.map(({ field = '' }) => field), ...unknown].filter((field) => field !== '' && field !== '<nil>')
}

/** One names the field, the other it or what holds it. */
function isNearby(one: string, other: string): boolean {
  const [a, b] = [one, other].map((path) =>
    path
      .split(/[[\].]+/)
      .filter(Boolean)
      .join('.'),
  )
  return `${a}.`.startsWith(`${b}.`) || `${b}.`.startsWith(`${a}.`)
}

/** Where validate names nothing near to any field that the API server names. Of another kind it knows no field. */
function isElsewhere({ there, paths }: Verdicts): boolean {
  const named = paths.some((path) => path === 'apiVersion' || path === 'kind') ? [] : namedBy(there)
  return named.length > 0 && !named.some((field) => paths.some((path) => isNearby(field, path)))
}

async function judgeAll(cases: readonly Case[]) {
  const all: Verdicts[] = []
  const { errors } = await mapLimit(cases, AT_ONCE, async (one) => {
    all.push(await judge(one))
  })
  if (errors[0]) throw errors[0].error
  return all
}

const UID = '00000000-0000-4000-8000-000000000009'
/** Free-form, and left to the rehearsal of the operator. */
const LEFT_TO_REHEARSAL = /^spec\.(affinity|topologySpreadConstraints|volumes\[\d+\]\.)/

/** What the API server says of the service and the pods of a job: `field: message` lines. */
async function refusalsOf(raw: RawJob): Promise<string[]> {
  const meta = { namespace: real.namespace, uid: UID, generation: 1, resourceVersion: '1', creationTimestamp: '' }
  const job = parseJob({ ...raw, metadata: { ...raw.metadata, ...meta } })
  const source = { pretrainJob: 'jft', uid: UID, step: 1, digest: 'd', path: 'p', claimName: 'c' }
  const plan = planJob({ ...job, status: { source } } as Job, { defaultImage: 'downpour' })
  const roles = ROLES.filter((role) => plan.desired[role] > 0)
  const pods = roles.map((role) => plan.pod(role, 0, { attempt: 0, generation: 0 }))
  const tried = await Promise.all([...pods.map((pod) => dryRun('pods', pod)), dryRun('services', plan.service)])
  return tried.flat()
}

async function dryRun(plural: string, object: object): Promise<string[]> {
  const path = `/api/v1/namespaces/${real.namespace}/${plural}?dryRun=All&fieldValidation=Strict`
  const { status, body } = await real.create(path, object)
  // 403: no such account or priority class here, which may come.
  if (status === 201 || status === 403) return []
  const causes = (body.details?.causes ?? []) as { field?: string; message: string }[]
  const isLeft = ({ field = '' }) => LEFT_TO_REHEARSAL.test(field)
  // A volume that is refused is missing to its mounts.
  const isOfMount = ({ field = '' }) => causes.some(isLeft) && field.includes('.volumeMounts[')
  const left = causes.filter((cause) => !isLeft(cause) && !isOfMount(cause))
  if (causes.length > 0) return left.map(({ field, message }) => `${plural}: ${field}: ${message}`)
  return [`${plural}: ${status} ${body.message}`].filter(
    (line) => !/spec\.(affinity|topologySpread|volumes)|Affinity|Volume|Constraint/.test(line),
  )
}

function assertNone(bad: readonly Verdicts[], what: string): void {
  assert.equal(bad.length, 0, `${bad.length} ${what}\n${bad.slice(0, SHOWN).map(textOf).join('\n')}`)
}

test('every good job is taken by all three as it is', async () => {
  const verdicts = await judgeAll(GOOD_JOBS.map((good) => ({ good, job: good, changes: ['as it is'], kinds: [] })))
  assertNone(
    verdicts.filter(({ there, here, issues }) => !isTaken(there) || !isTaken(here) || issues.length > 0),
    'good jobs are refused',
  )
})

test('the pods and the service of every good job are taken', async () => {
  const lines: string[] = []
  const { errors } = await mapLimit(GOOD_JOBS, AT_ONCE, async (good) => {
    lines.push(...(await refusalsOf(good)))
  })
  assert.equal(errors[0]?.error, undefined)
  assert.deepEqual(lines, [])
})

test(`${JOBS} jobs changed at random get the same answer from all three`, async (t) => {
  const random = createRandom(SEED)
  const cases = Array.from({ length: JOBS }, () => {
    const good = GOOD_JOBS[random.int(GOOD_JOBS.length)] as RawJob
    return { good, ...mutate(good, random) }
  })
  const verdicts = await judgeAll(cases)
  const taken = verdicts.filter(({ there }) => isTaken(there))
  t.diagnostic(`seed ${SEED}: ${taken.length} of ${JOBS} taken (${((100 * taken.length) / JOBS).toFixed(1)} %)`)
  const sameCode = verdicts.filter(({ there, here }) => there.status === here.status)
  t.diagnostic(`local mode answers ${sameCode.length} of ${JOBS} with the same status code`)
  assertNone(
    verdicts.filter(({ there }) => ![201, 400, 422].includes(there.status)),
    'are neither taken nor refused',
  )
  const isAgreed = ({ there, here, issues }: Verdicts) =>
    isTaken(there) === (issues.length === 0) && isTaken(there) === isTaken(here)
  assertNone(
    verdicts.filter((verdict) => !isAgreed(verdict)),
    'get different answers',
  )
  // Of several faults the API server and validate may each name another first.
  const pointed = verdicts.filter(({ there, kinds }) => kinds.length === 1 && namedBy(there).length > 0)
  t.diagnostic(`the API server names the field in ${pointed.length} of ${JOBS - taken.length} refusals`)
  assertNone(pointed.filter(isElsewhere), 'are refused for another field')
  const refused: string[] = []
  const { errors } = await mapLimit(taken, AT_ONCE, async ({ job, changes }) => {
    for (const line of await refusalsOf(job)) refused.push(`${changes.join('; ')}\n  ${line}`)
  })
  assert.equal(errors[0]?.error, undefined)
  assert.equal(refused.length, 0, `pods of jobs that were taken are refused\n${refused.slice(0, SHOWN).join('\n')}`)
  for (const kind of new Set(verdicts.flatMap(({ kinds }) => kinds))) {
    const made = verdicts.filter(({ kinds }) => kinds.length === 1 && kinds[0] === kind)
    const share = made.filter(({ there }) => isTaken(there)).length / Math.max(1, made.length)
    t.diagnostic(`${kind}: ${made.length} jobs, ${(100 * share).toFixed(0)} % taken`)
  }
  assert.ok(taken.length > JOBS / 4, 'hardly any job is taken')
  assert.ok(taken.length < JOBS * 0.75, 'hardly any job is refused')
})
