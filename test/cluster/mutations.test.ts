/**
 * Changes valid jobs at random: the real API server, `downpour validate` and local mode's API server must accept the same
 * ones. DOWNPOUR_WALK_SEED and DOWNPOUR_WALK_JOBS set the seed and the number of jobs.
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
const CONCURRENCY = 8
/** Maximal number of failures in a message. */
const SHOWN = 20

let realApi: Api
let localApi: Api
let localCluster: TestCluster

before(async () => {
  const cluster = await ensureCluster()
  await applyCrds(cluster)
  localCluster = await startTestCluster({ runPods: false })
  realApi = new Api(cluster.kubeconfig)
  localApi = new Api(localCluster.kubeconfigPath)
  await Promise.all([realApi, localApi].map(openNamespace))
})
after(async () => {
  await closeNamespace(realApi)
  await Promise.all([realApi.close(), localApi.close()])
  await localCluster.dispose()
})

/** Sends the changed job to the URL of the valid job's kind, whatever kind it now names. */
function send(api: Api, { kind }: RawJob, job: RawJob): Promise<Answer> {
  const path = `/apis/${API_VERSION}/namespaces/${api.namespace}/${PLURALS[kind]}?dryRun=All&fieldValidation=Strict`
  const { metadata } = job
  const isNamed = typeof metadata === 'object' && metadata !== null && !Array.isArray(metadata)
  return api.create(path, isNamed ? { ...job, metadata: { ...metadata, namespace: api.namespace } } : job)
}

/** The answers to one job. */
interface Verdicts {
  changes: readonly string[]
  kinds: readonly string[]
  job: RawJob
  real: Answer
  local: Answer
  /** The issues that validate reports, and their paths. */
  issues: readonly string[]
  paths: readonly string[]
}

interface Case extends Mutated {
  good: RawJob
}

async function judge({ good, job, ...made }: Case): Promise<Verdicts> {
  const answers = await Promise.all([realApi, localApi].map((api) => send(api, good, job)))
  const [real, local] = answers as [Answer, Answer]
  const issues = issuesOf(good, job)
  const paths = issues.map(({ path }) => path)
  return { ...made, job, real, local, issues: issues.map(issueText), paths }
}

/** Returns the issues of validate, and one for a job whose kind differs from that of the URL, which validate does not know. */
function issuesOf(good: RawJob, job: RawJob): Issue[] {
  const issues = validateJob(job)
  const message = `expected ${good.kind}`
  return good.kind === job.kind || issues.length > 0
    ? issues
    : [{ path: 'kind', value: job.kind, expected: good.kind, message }]
}

const isAccepted = ({ status }: Answer) => status === 201

function textOf({ changes, real, local, issues }: Verdicts): string {
  return [
    changes.join('; '),
    `  API server: ${real.status} ${String(real.body.message ?? 'accepted').slice(0, 500)}`,
    `  local mode: ${local.status} ${String(local.body.message ?? 'accepted').slice(0, 500)}`,
    `  validate:   ${issues.join('\n').slice(0, 500) || 'valid'}`,
  ].join('\n')
}

/** Returns the fields that a refusal names; none if the API server could not decode the object. */
function fieldsIn({ body }: Answer): string[] {
  const causes = (body.details?.causes ?? []) as { field?: string }[]
  const unknown = [...String(body.message).matchAll(/unknown field "([^"]+)"/g)].map(([, path = '']) => path)
  return [...causes.map(({ field = '' }) => field), ...unknown].filter((field) => field !== '' && field !== '<nil>')
}

/** Whether the paths are equal or one contains the other. */
function isNearby(one: string, other: string): boolean {
  const [a, b] = [one, other].map((path) =>
    path
      .split(/[[\].]+/)
      .filter(Boolean)
      .join('.'),
  )
  return `${a}.`.startsWith(`${b}.`) || `${b}.`.startsWith(`${a}.`)
}

/** Validate names only the missing type of a union, because the type decides which other fields there are. */
function withoutType(path: string): string {
  return path.replace(/\.type$/, '')
}

/** Whether validate names other fields than the API server. Ignores jobs of a wrong kind, whose fields validate does not check. */
function isElsewhere({ real, paths }: Verdicts): boolean {
  const named = paths.some((path) => path === 'apiVersion' || path === 'kind') ? [] : fieldsIn(real)
  return named.length > 0 && !named.some((field) => paths.some((path) => isNearby(field, withoutType(path))))
}

async function judgeAll(cases: readonly Case[]) {
  const all: Verdicts[] = []
  const { errors } = await mapLimit(cases, CONCURRENCY, async (one) => {
    all.push(await judge(one))
  })
  if (errors[0]) throw errors[0].error
  return all
}

const UID = '00000000-0000-4000-8000-000000000009'
/** Fields that our schema leaves open; the operator checks them with a dry run of the pods. */
const CHECKED_BY_OPERATOR = /^spec\.(affinity|topologySpreadConstraints|volumes\[\d+\]\.)/

/** Sends the service and pods of a job as a dry run. @returns `field: message` lines of the refusals */
async function refusalsOf(raw: RawJob): Promise<string[]> {
  const meta = { namespace: realApi.namespace, uid: UID, generation: 1, resourceVersion: '1', creationTimestamp: '' }
  const job = parseJob({ ...raw, metadata: { ...raw.metadata, ...meta } })
  const source = { pretrainJob: 'jft', uid: UID, step: 1, digest: 'd', path: 'p', claimName: 'c' }
  const plan = planJob({ ...job, status: { source } } as Job, { defaultImage: 'downpour' })
  const roles = ROLES.filter((role) => plan.desired[role] > 0)
  const pods = roles.map((role) => plan.pod(role, 0, { attempt: 0, generation: 0 }))
  const refusals = await Promise.all([...pods.map((pod) => dryRun('pods', pod)), dryRun('services', plan.service)])
  return refusals.flat()
}

async function dryRun(plural: string, object: object): Promise<string[]> {
  const path = `/api/v1/namespaces/${realApi.namespace}/${plural}?dryRun=All&fieldValidation=Strict`
  const { status, body } = await realApi.create(path, object)
  // 403: the service account or priority class does not exist, but a user may create it later.
  if (status === 201 || status === 403) return []
  const causes = (body.details?.causes ?? []) as { field?: string; message: string }[]
  const isExpected = ({ field = '' }) => CHECKED_BY_OPERATOR.test(field)
  // A refused volume also makes its mounts invalid.
  const isOfMount = ({ field = '' }) => causes.some(isExpected) && field.includes('.volumeMounts[')
  const unexpected = causes.filter((cause) => !isExpected(cause) && !isOfMount(cause))
  if (causes.length > 0) return unexpected.map(({ field, message }) => `${plural}: ${field}: ${message}`)
  return [`${plural}: ${status} ${body.message}`].filter(
    (line) => !/spec\.(affinity|topologySpread|volumes)|Affinity|Volume|Constraint/.test(line),
  )
}

function assertNone(bad: readonly Verdicts[], problem: string): void {
  assert.equal(bad.length, 0, `${bad.length} ${problem}\n${bad.slice(0, SHOWN).map(textOf).join('\n')}`)
}

test('all three accept every valid job', async () => {
  const verdicts = await judgeAll(GOOD_JOBS.map((good) => ({ good, job: good, changes: ['unchanged'], kinds: [] })))
  assertNone(
    verdicts.filter(({ real, local, issues }) => !isAccepted(real) || !isAccepted(local) || issues.length > 0),
    'valid jobs are refused',
  )
})

test('the API server accepts the pods and the service of every valid job', async () => {
  const lines: string[] = []
  const { errors } = await mapLimit(GOOD_JOBS, CONCURRENCY, async (good) => {
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
  const accepted = verdicts.filter(({ real }) => isAccepted(real))
  t.diagnostic(
    `seed ${SEED}: ${accepted.length} of ${JOBS} accepted (${((100 * accepted.length) / JOBS).toFixed(1)} %)`,
  )
  const sameCode = verdicts.filter(({ real, local }) => real.status === local.status)
  t.diagnostic(`local mode answers ${sameCode.length} of ${JOBS} with the same status code`)
  assertNone(
    verdicts.filter(({ real }) => ![201, 400, 422].includes(real.status)),
    'are neither accepted nor refused',
  )
  const isAgreed = ({ real, local, issues }: Verdicts) =>
    isAccepted(real) === (issues.length === 0) && isAccepted(real) === isAccepted(local)
  assertNone(
    verdicts.filter((verdict) => !isAgreed(verdict)),
    'get different answers',
  )
  // Compares fields only of jobs with one change: with several, the API server and validate may name different ones first.
  const withField = verdicts.filter(({ real, kinds }) => kinds.length === 1 && fieldsIn(real).length > 0)
  t.diagnostic(`the API server names the field in ${withField.length} of ${JOBS - accepted.length} refusals`)
  assertNone(withField.filter(isElsewhere), 'are refused for another field')
  const refused: string[] = []
  const { errors } = await mapLimit(accepted, CONCURRENCY, async ({ job, changes }) => {
    for (const line of await refusalsOf(job)) refused.push(`${changes.join('; ')}\n  ${line}`)
  })
  assert.equal(errors[0]?.error, undefined)
  assert.equal(refused.length, 0, `pods of accepted jobs are refused\n${refused.slice(0, SHOWN).join('\n')}`)
  for (const kind of new Set(verdicts.flatMap(({ kinds }) => kinds))) {
    const made = verdicts.filter(({ kinds }) => kinds.length === 1 && kinds[0] === kind)
    const share = made.filter(({ real }) => isAccepted(real)).length / Math.max(1, made.length)
    t.diagnostic(`${kind}: ${made.length} jobs, ${(100 * share).toFixed(0)} % accepted`)
  }
  assert.ok(accepted.length > JOBS / 4, 'too few jobs are accepted')
  assert.ok(accepted.length < JOBS * 0.75, 'too few jobs are refused')
})
