/** Each state of a pod against each policy: what becomes of a pod and of its job goes by its own container alone. */
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

interface Verdicts {
  /** Of two workers, one of which has this pod. */
  workersRun: 1 | 2
  degraded: boolean
  /** Fewer than two workers run, or have done their part, for too long. */
  quorumLost: boolean
  /** Against backoffLimit. */
  counted: 0 | 1
  /** What is done about a worker's pod while the job goes on. */
  pod: string
  /** After the end of the job, by cleanPodPolicy: Running, the same two minutes later, All, None. */
  cleanUp: [string, string, string, string]
  /** What the job says when it is the parameter server's. */
  asServer: string
  /** What the job says when it is the evaluator's, and the last step is saved. */
  asEvaluator: string
}

const LEFT = 'left'
const GOES = 'deletePod'
const ENDS = 'endPod'

const RUNS = {
  degraded: false,
  counted: 0,
  pod: LEFT,
  cleanUp: [GOES, GOES, GOES, LEFT],
  asEvaluator: 'Running',
} satisfies Partial<Verdicts>
const IS_DONE = {
  workersRun: 1,
  degraded: false,
  quorumLost: false,
  counted: 0,
  asServer: 'Succeeded',
  asEvaluator: 'Succeeded',
} satisfies Partial<Verdicts>
const HAS_FAILED = {
  workersRun: 1,
  degraded: true,
  quorumLost: true,
  counted: 1,
  asServer: 'Starting, generation 1',
  asEvaluator: 'Running',
} satisfies Partial<Verdicts>
const IS_SPOILT = { ...HAS_FAILED, degraded: false, quorumLost: false, asServer: 'Failed', asEvaluator: 'Failed' }
const ENDED = [LEFT, LEFT, GOES, LEFT] satisfies Verdicts['cleanUp']
const BESIDE = [ENDS, GOES, GOES, ENDS] satisfies Verdicts['cleanUp']
const EARLY = [LEFT, GOES, GOES, LEFT] satisfies Verdicts['cleanUp']

const VERDICTS: Readonly<Record<Fate, Verdicts>> = {
  works: { ...RUNS, workersRun: 2, quorumLost: false, asServer: 'Running' },
  starts: { ...RUNS, workersRun: 1, quorumLost: true, asServer: 'Starting' },
  silent: { ...RUNS, workersRun: 1, degraded: true, quorumLost: true, asServer: 'Starting' },
  done: { ...IS_DONE, pod: LEFT, cleanUp: ENDED },
  doneBeside: { ...IS_DONE, pod: ENDS, cleanUp: BESIDE },
  doneEarly: { ...IS_DONE, pod: LEFT, cleanUp: EARLY },
  failed: { ...HAS_FAILED, pod: 'replacePod failures 1', cleanUp: ENDED },
  failedBeside: { ...HAS_FAILED, pod: GOES, cleanUp: BESIDE },
  failedEarly: { ...HAS_FAILED, pod: GOES, cleanUp: EARLY },
  disrupted: { ...HAS_FAILED, counted: 0, pod: 'replacePod failures 0', cleanUp: ENDED },
  spoilt: { ...IS_SPOILT, pod: LEFT, cleanUp: ENDED },
  spoiltBeside: { ...IS_SPOILT, pod: ENDS, cleanUp: BESIDE },
}

const PEER = pod('worker', 1)
const SERVER = pod('ps', 0)
const FINAL = coordinator({ phase: 'done', step: 1000, checkpoints: [saved(1000, { final: true })] })
const LIMITS = { workers: { replicas: 2, quorum: 2 }, progressDeadlineSeconds: 60 }

/** The same status of a pod of another role: its own container bears that name. */
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

/** What is done about the pod of worker 0. */
function doneAbout(decision: ReturnType<typeof decide>): string {
  const mine = decision.actions.filter((action) => 'uid' in action && action.uid === 'uid-worker-0')
  assert.ok(mine.length <= 1, 'one thing is done about a pod')
  assert.ok(!actionsOf(decision).some((action) => action.startsWith('createPod worker-0')), 'its name is taken')
  const [one] = mine
  if (!one) return LEFT
  return one.type === 'replacePod' ? `replacePod failures ${one.failures}` : one.type
}

function cleanedUp(facts: ReturnType<typeof factsOf>): Verdicts['cleanUp'] {
  const pods = [succeeded('ps', 0), facts, succeeded('worker', 1)]
  const { status } = decide(pretrainJob(), observed([succeeded('ps', 0)], { coordinator: FINAL }), NOW)
  const after = (cleanPodPolicy: 'Running' | 'All' | 'None', laterMs = 0) =>
    doneAbout(decide(pretrainJob({ status, spec: { cleanPodPolicy } }), observed(pods), NOW + laterMs))
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

suite('whatever others put into a pod', () => {
  for (const row of TABLE) {
    test(`${row.fate}: ${row.what}`, () => {
      const facts = inRole('worker', row)
      const running = settle([SERVER, facts, PEER])
      const status = { ...running.status, startTime: isoAgo(100) }
      const long = decide(pretrainJob({ spec: LIMITS, status }), observed([SERVER, facts, PEER]), NOW + 200_000)
      const verdicts: Verdicts = {
        workersRun: /workers 2\/2/.test(
          conditionText(decide(pretrainJob(), observed([SERVER, facts, PEER]), NOW), 'Running'),
        )
          ? 2
          : 1,
        degraded: conditionText(running, 'Degraded').startsWith('True'),
        quorumLost: conditionText(long, 'Stalled').startsWith('True QuorumLost'),
        counted: running.status.restarts.counted as 0 | 1,
        pod: doneAbout(running),
        cleanUp: cleanedUp(facts),
        asServer: asServer(row),
        asEvaluator: asEvaluator(row),
      }
      assert.deepEqual(verdicts, VERDICTS[row.fate])
    })
    test(`the pod goes when the job is suspended: ${row.what}`, () => {
      const spec = { suspend: true }
      assert.equal(doneAbout(settle([SERVER, inRole('worker', row), PEER], {}, spec)), GOES)
    })
    test(`at backoffLimit 0 the job fails if that counts: ${row.what}`, () => {
      const { status } = settle([SERVER, inRole('worker', row), PEER], {}, { backoffLimit: 0 })
      const isOver = VERDICTS[row.fate].counted === 1
      assert.equal(status.phase === 'Failed', isOver)
    })
  }
})
