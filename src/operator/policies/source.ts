/** Resolves spec.from: finds the checkpoint to start from and pins it by digest, or describes what the job waits for. */
import type { Source } from '../../api/from.ts'
import { wantedSource } from '../../api/job.ts'
import { type JobStatus, type PinnedSource, pinnedText } from '../../api/status.ts'
import { bestFirst, type MetricSpec } from '../../contract/metrics.ts'
import type { ConditionUpdate } from '../conditions.ts'
import type { SourceFacts } from '../observed.ts'
import type { World } from '../world.ts'
import { type Ending, writtenEnding } from './ending.ts'

type Checkpoint = NonNullable<JobStatus['checkpoint']>
type SourceJob = Extract<Source, { type: 'job' }>
type SourceVolume = Extract<Source, { type: 'volume' }>

export type SourceDecision =
  | { state: 'notNeeded' }
  | { state: 'pinned'; source: PinnedSource; update: ConditionUpdate }
  /** The pods read the volume, so they are created before the checkpoint is known. */
  | { state: 'chosenByPods'; update: ConditionUpdate }
  | { state: 'waiting'; update: ConditionUpdate }
  | { state: 'impossible'; update: ConditionUpdate; ending: Ending }

export function resolveSource(world: World): SourceDecision {
  const { job, previous } = world
  const from = wantedSource(job)
  if (!from) return { state: 'notNeeded' }
  if (from.type === 'volume') return { state: 'chosenByPods', update: describeChoice(from, reportedSource(world)) }
  const pinned = previous?.source
  if (pinned) return { state: 'pinned', source: pinned, update: describePin(pinned) }
  const { source } = world.observed
  const what = `PretrainJob "${from.pretrainJob}"`
  if (!source) {
    return waiting('SourceMissing', `waits for ${what}: it does not exist in namespace ${job.metadata.namespace}`)
  }
  if (source.deleting) {
    return waiting('SourceDeleted', `waits for ${what}: it is being deleted; create it again or set another spec.from`)
  }
  if (source.claimName === undefined) {
    return waiting('SourceInvalid', `waits for ${what}: its spec is invalid (see its status)`)
  }
  return chooseCheckpoint(from, source, source.claimName)
}

function chooseCheckpoint(from: SourceJob, source: SourceFacts, claimName: string): SourceDecision {
  const { pretrainJob, checkpoint: wanted, step } = from
  const what = `PretrainJob "${pretrainJob}"`
  const saved = source.status?.checkpoints ?? []
  const ended = writtenEnding(source.status)
  const chosen =
    wanted === 'step' || ended?.type === 'Succeeded' ? findCheckpoint(saved, from, source.metric) : undefined
  if (chosen) {
    const { digest, path } = chosen
    const pinned = { pretrainJob, uid: source.uid, step: chosen.step, digest, path, claimName }
    return { state: 'pinned', source: pinned, update: describePin(pinned) }
  }
  if (ended?.type === 'Failed') {
    return impossible('SourceFailed', `${what} failed: ${ended.reason}: ${ended.message}`)
  }
  if (ended) return impossible('SourceUnusable', `${what} succeeded ${missingCheckpointText(saved, wanted, step)}`)
  const at = source.status?.progress
  const resume = source.status?.phase === 'Suspended' ? ': set its spec.suspend to false' : ''
  const now = `now ${source.status?.phase ?? 'Pending'}${at ? ` at step ${at.step} of ${at.maxSteps}` : ''}${resume}`
  const event = wanted === 'step' ? `save step ${step}` : 'succeed'
  if (wanted === 'best' && !source.metric) {
    const why = 'it has no spec.evaluation, so no checkpoint will have a score: set it, or select latest'
    return waiting('SourceNotEvaluated', `waits for ${what} to ${event}, but ${why}; ${now}`)
  }
  return waiting(wanted === 'step' ? 'StepNotSaved' : 'SourceRunning', `waits for ${what} to ${event}; ${now}`)
}

function findCheckpoint(
  saved: readonly Checkpoint[],
  { checkpoint: wanted, step }: SourceJob,
  metric: MetricSpec | undefined,
) {
  if (wanted === 'step') return saved.find((one) => one.step === step)
  const byStep = saved.toSorted((a, b) => b.step - a.step)
  if (wanted !== 'best') return byStep[0]
  return metric && bestOf(byStep, metric)
}

function bestOf(newestFirst: readonly Checkpoint[], metric: MetricSpec): Checkpoint | undefined {
  const compare = bestFirst(metric)
  const scored = newestFirst.flatMap(({ score, ...one }) => (score === undefined ? [] : [{ ...one, score }]))
  return scored.sort((a, b) => compare(a.score, b.score))[0]
}

function missingCheckpointText(
  saved: readonly Checkpoint[],
  wanted: string | undefined,
  step: number | undefined,
): string {
  const steps = saved.map((one) => one.step).join(', ') || 'none'
  if (wanted === 'step') return `without keeping a checkpoint of step ${step}; kept: ${steps}`
  if (wanted === 'best') return `without a scored checkpoint (set its spec.evaluation); kept: ${steps}`
  return 'without saving a checkpoint'
}

/** The checkpoint on a volume that the job starts from; undefined: parameter server 0 has not reported it yet. */
export function reportedSource({ job, previous, observed }: World): PinnedSource | undefined {
  const from = wantedSource(job)
  if (from?.type !== 'volume') return undefined
  const chosen = observed.coordinator?.source
  return previous?.source ?? (chosen ? { claimName: from.claimName, ...chosen } : undefined)
}

function describeChoice({ claimName, path }: SourceVolume, chosen: PinnedSource | undefined): ConditionUpdate {
  if (chosen) return describePin(chosen)
  const message = `parameter server 0 has not chosen a checkpoint yet in folder ${path} of claim "${claimName}"`
  return { type: 'SourceResolved', status: 'Unknown', reason: 'NotChosen', message }
}

function describePin(source: PinnedSource): ConditionUpdate {
  const message = `${pinnedText(source)}, sha256 ${source.digest.slice(0, 12)}`
  return { type: 'SourceResolved', status: 'True', reason: 'Pinned', message }
}

function waiting(reason: string, message: string): SourceDecision {
  return { state: 'waiting', update: { type: 'SourceResolved', status: 'False', reason, message } }
}

function impossible(reason: string, message: string): SourceDecision {
  return {
    state: 'impossible',
    update: { type: 'SourceResolved', status: 'False', reason, message },
    ending: { type: 'Failed', reason, message },
  }
}
