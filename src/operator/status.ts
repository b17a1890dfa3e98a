/** Builds the status of a job from the results of the policies. Equal observations give an equal status. */
import type { Job } from '../api/job.ts'
import type { JobStatus, Phase, ReplacedStraggler, RoleReplicas } from '../api/status.ts'
import { LABELS, ROLES, type Role } from '../contract/names.ts'
import { type ConditionUpdate, isTrue, mergeConditions } from './conditions.ts'
import { evaluationProgress, headlineOf, listCheckpoints, newestResults } from './policies/checkpoints.ts'
import { measureProgress } from './policies/progress.ts'
import { reportedSource } from './policies/source.ts'
import { countRunning } from './running-time.ts'
import type { World } from './world.ts'

/** The parts of the status that come from reports of the pods. */
export type Reports = Pick<
  JobStatus,
  'source' | 'init' | 'lineage' | 'progress' | 'checkpoint' | 'checkpoints' | 'results' | 'evaluation' | 'headline'
>

export function readReports(world: World): Reports {
  const progress = measureProgress(world.previous?.progress, world.observed.coordinator, world.nowMs)
  const checkpoints = listCheckpoints(world)
  const checkpoint = checkpoints.at(-1)
  const results = newestResults(world)
  const evaluation = evaluationProgress(world, { checkpoints, results })
  const headline = headlineOf(world.job, results)
  const source = reportedSource(world)
  return {
    ...(source && { source }),
    ...firstWeights(world),
    ...(progress && { progress }),
    ...(checkpoint && { checkpoint, checkpoints }),
    ...(results && { results }),
    ...(evaluation && { evaluation }),
    ...(headline && { headline }),
  }
}

/** Kept from the previous status, because a termination message may be too short for the whole lineage. */
function firstWeights({ previous, observed: { coordinator } }: World): Pick<Reports, 'init' | 'lineage'> {
  const init = previous?.init ?? coordinator?.init
  const lineage = previous?.lineage ?? coordinator?.lineage
  return { ...(init && { init }), ...(lineage?.length && { lineage }) }
}

export interface StatusInput {
  updates: readonly ConditionUpdate[]
  psGeneration: number
  source: JobStatus['source']
  startTime: string | undefined
  completionTime: string | undefined
  stragglersReplaced: readonly ReplacedStraggler[] | undefined
}

export function writeStatus(world: World, reports: Reports, input: StatusInput): JobStatus {
  const { generation } = world.job.metadata
  const { psGeneration, stragglersReplaced = [] } = input
  const restarts = countStragglers(world, stragglersReplaced)
  const conditions = mergeConditions(world.previous?.conditions ?? [], input.updates, {
    nowMs: world.nowMs,
    observedGeneration: generation,
  })
  const replicas = Object.fromEntries(ROLES.map((role) => [role, countReplicas(world, role)]))
  const phase = phaseOf(world, conditions)
  return {
    observedGeneration: generation,
    phase,
    conditions,
    replicas: replicas as JobStatus['replicas'],
    workersReady: replicas.worker?.ready ?? 0,
    workerSelector: workerSelector(world.job),
    ...reports,
    ...(input.source && { source: input.source }),
    restarts: { ...restarts, ps: psGeneration, total: psGeneration + restarts.worker + restarts.evaluator },
    ...(stragglersReplaced.length > 0 && { stragglersReplaced: [...stragglersReplaced] }),
    psGeneration,
    ...countRunning(world.previous, phase, world.nowMs),
    ...(input.startTime && { startTime: input.startTime }),
    ...(input.completionTime && { completionTime: input.completionTime }),
  }
}

/** A straggler counts as a restart from now on: its successor takes the number from the status. */
function countStragglers({ restarts, previous }: World, replaced: readonly ReplacedStraggler[]): World['restarts'] {
  const known = new Set(previous?.stragglersReplaced?.map(({ podUid }) => podUid))
  const fresh = replaced.filter(({ podUid }) => !known.has(podUid)).length
  return { ...restarts, worker: restarts.worker + fresh }
}

function countReplicas(world: World, role: Role): RoleReplicas {
  const pods = world.slots[role].flatMap(({ pod }) => (pod ? [pod] : []))
  const desired = world.desired[role]
  const ready = pods.filter((pod) => pod.phase === 'Running' && pod.ready && !pod.deleting).length
  const failed = pods.filter((pod) => pod.phase === 'Failed').length
  const succeeded = pods.filter((pod) => pod.phase === 'Succeeded').length
  return { desired, ready, failed, succeeded, summary: `${ready}/${desired}` }
}

export function workerSelector(job: Pick<Job, 'metadata'>): string {
  return `${LABELS.jobUid}=${job.metadata.uid},${LABELS.role}=worker`
}

function phaseOf(world: World, conditions: JobStatus['conditions']): Phase {
  if (isTrue(conditions, 'Succeeded')) return 'Succeeded'
  if (isTrue(conditions, 'Failed')) return 'Failed'
  if (isTrue(conditions, 'Suspended')) return 'Suspended'
  if (conditions.some(({ type, status }) => type === 'SourceResolved' && status === 'False')) return 'Waiting'
  if (isTrue(conditions, 'Running')) return 'Running'
  return world.pods.length === 0 ? 'Pending' : 'Starting'
}
