/** Checks each state of a pod against each policy: only its own container decides about the pod and its job. */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { Role } from '../../../src/contract/names.ts'
import { decide } from '../../../src/operator/decide.ts'
import {
  actionsOf,
  conditionText,
  coordinator,
  isoAgo,
  NOW,
  observed,
  pod,
  pretrainJob,
  saved,
  succeeded,
} from './builders.ts'
import { factsOf, type Status } from './pod-statuses.ts'
import { type Fate, type Row, TABLE } from './status-table.ts'

interface Outcome {
  /** How many of two workers run; one of them has this pod. */
  workersRun: 1 | 2
  degraded: boolean
  /** Whether fewer than two workers run or have succeeded for too long. */
  quorumLost: boolean
  /** Failures that count against backoffLimit. */
  counted: 0 | 1
  /** The action on a worker's pod while the job runs. */
  pod: string
  /** The actions after the end of the job, by cleanPodPolicy: Running, Running two minutes later, All, None. */
  cleanUp: [string, string, string, string]
  /** The phase of the job if the pod is its parameter server. */
  asServer: string
  /** The phase of the job if the pod is its evaluator, after the last step is saved. */
  asEvaluator: string
}

const NO_ACTION = 'left'
const DELETE_POD = 'deletePod'
const END_POD = 'endPod'

const RUNS = {
  degraded: false,
  counted: 0,
  pod: NO_ACTION,
  cleanUp: [DELETE_POD, DELETE_POD, DELETE_POD, NO_ACTION],
  asEvaluator: 'Running',
} satisfies Partial<Outcome>
const IS_DONE = {
  workersRun: 1,
  degraded: false,
  quorumLost: false,
  counted: 0,
  asServer: 'Succeeded',
  asEvaluator: 'Succeeded',
} satisfies Partial<Outcome>
const HAS_FAILED = {
  workersRun: 1,
  degraded: true,
  quorumLost: true,
  counted: 1,
  asServer: 'Starting, generation 1',
  asEvaluator: 'Running',
} satisfies Partial<Outcome>
const IS_SPOILT = { ...HAS_FAILED, degraded: false, quorumLost: false, asServer: 'Failed', asEvaluator: 'Failed' }
const CLEAN_UP_ENDED = [NO_ACTION, NO_ACTION, DELETE_POD, NO_ACTION] satisfies Outcome['cleanUp']
const CLEAN_UP_BESIDE = [END_POD, DELETE_POD, DELETE_POD, END_POD] satisfies Outcome['cleanUp']
const CLEAN_UP_EARLY = [NO_ACTION, DELETE_POD, DELETE_POD, NO_ACTION] satisfies Outcome['cleanUp']

const OUTCOMES: Readonly<Record<Fate, Outcome>> = {
  works: { ...RUNS, workersRun: 2, quorumLost: false, asServer: 'Running' },
  starts: { ...RUNS, workersRun: 1, quorumLost: true, asServer: 'Starting' },
  silent: { ...RUNS, workersRun: 1, degraded: true, quorumLost: true, asServer: 'Starting' },
  done: { ...IS_DONE, pod: NO_ACTION, cleanUp: CLEAN_UP_ENDED },
  doneBeside: { ...IS_DONE, pod: END_POD, cleanUp: CLEAN_UP_BESIDE },
  doneEarly: { ...IS_DONE, pod: NO_ACTION, cleanUp: CLEAN_UP_EARLY },
  failed: { ...HAS_FAILED, pod: 'replacePod failures 1', cleanUp: CLEAN_UP_ENDED },
  failedBeside: { ...HAS_FAILED, pod: DELETE_POD, cleanUp: CLEAN_UP_BESIDE },
  failedEarly: { ...HAS_FAILED, pod: DELETE_POD, cleanUp: CLEAN_UP_EARLY },
  disrupted: { ...HAS_FAILED, counted: 0, pod: 'replacePod failures 0', cleanUp: CLEAN_UP_ENDED },
  spoilt: { ...IS_SPOILT, pod: NO_ACTION, cleanUp: CLEAN_UP_ENDED },
  spoiltBeside: { ...IS_SPOILT, pod: END_POD, cleanUp: CLEAN_UP_BESIDE },
}

const PEER = pod('worker', 1)
const SERVER = pod('ps', 0)
const FINAL = coordinator({ phase: 'done', step: 1000, checkpoints: [saved(1000, { final: true })] })
const LIMITS = { workers: { replicas: 2, quorum: 2 }, progressDeadlineSeconds: 60 }

/** Gives a pod of another role the same status: renames its own container. */
function inRole(role: Role, { status, spec }: Row) {
  const text = JSON.stringify(status).replaceAll('"name":"worker"', `"name":"${role}"`)
  return factsOf(role, 0, JSON.parse(text) as Status, { ...(spec && { spec }) })
}

function settle(pods: Parameters<typeof observed>[0], more: Parameters<typeof observed>[1] = {}, spec = {}) {
  let decision = decide(pretrainJob({ spec }), observed(pods, more), NOW)
  for (let round = 0; round < 3; round++)
    decision = decide(pretrainJob({ spec, status: decision.status }), observed(pods, more), NOW)
  return decision
}

/** @returns the action on the pod of worker 0 */
function actionOnWorker0(decision: ReturnType<typeof decide>): string {
  const mine = decision.actions.filter((action) => 'uid' in action && action.uid === 'uid-worker-0')
  assert.ok(mine.length <= 1, 'a pod gets at most one action')
  assert.ok(
    !actionsOf(decision).some((action) => action.startsWith('createPod worker-0')),
    'the pod still holds its name',
  )
  const [one] = mine
  if (!one) return NO_ACTION
  return one.type === 'replacePod' ? `replacePod failures ${one.failures}` : one.type
}

function cleanedUp(facts: ReturnType<typeof factsOf>): Outcome['cleanUp'] {
  const pods = [succeeded('ps', 0), facts, succeeded('worker', 1)]
  const { status } = decide(pretrainJob(), observed([succeeded('ps', 0)], { coordinator: FINAL }), NOW)
  const after = (cleanPodPolicy: 'Running' | 'All' | 'None', laterMs = 0) =>
    actionOnWorker0(decide(pretrainJob({ status, spec: { cleanPodPolicy } }), observed(pods), NOW + laterMs))
  return [after('Running'), after('Running', 120_000), after('All'), after('None')]
}

function asServer(row: Row): string {
  const { status } = settle([inRole('ps', row), pod('worker', 0), PEER])
  const isNext = status.psGeneration > 0 && status.phase !== 'Failed'
  return isNext ? `${status.phase}, generation ${status.psGeneration}` : status.phase
}

function asEvaluator(row: Row): string {
  const pods = [succeeded('ps', 0), succeeded('worker', 0), succeeded('worker', 1), inRole('evaluator', row)]
  return settle(pods, { desired: { ps: 1, worker: 2, evaluator: 1 }, coordinator: FINAL }).status.phase
}

suite('a pod in any state, with containers of others', () => {
  for (const row of TABLE) {
    test(`${row.fate}: ${row.what}`, () => {
      const facts = inRole('worker', row)
      const running = settle([SERVER, facts, PEER])
      const status = { ...running.status, startTime: isoAgo(100) }
      const long = decide(pretrainJob({ spec: LIMITS, status }), observed([SERVER, facts, PEER]), NOW + 200_000)
      const outcome: Outcome = {
        workersRun: /workers 2\/2/.test(
          conditionText(decide(pretrainJob(), observed([SERVER, facts, PEER]), NOW), 'Running'),
        )
          ? 2
          : 1,
        degraded: conditionText(running, 'Degraded').startsWith('True'),
        quorumLost: conditionText(long, 'Stalled').startsWith('True QuorumLost'),
        counted: running.status.restarts.counted as 0 | 1,
        pod: actionOnWorker0(running),
        cleanUp: cleanedUp(facts),
        asServer: asServer(row),
        asEvaluator: asEvaluator(row),
      }
      assert.deepEqual(outcome, OUTCOMES[row.fate])
    })
    test(`the pod is deleted when the job is suspended: ${row.what}`, () => {
      const spec = { suspend: true }
      assert.equal(actionOnWorker0(settle([SERVER, inRole('worker', row), PEER], {}, spec)), DELETE_POD)
    })
    test(`with backoffLimit 0 the job fails if the failure counts: ${row.what}`, () => {
      const { status } = settle([SERVER, inRole('worker', row), PEER], {}, { backoffLimit: 0 })
      const isOver = OUTCOMES[row.fate].counted === 1
      assert.equal(status.phase === 'Failed', isOver)
    })
  }
})
