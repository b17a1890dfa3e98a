import type { Job } from '../../api/job.ts'
import type { JobStatus } from '../../api/status.ts'
import type { PlacedPods, World } from '../world.ts'
import type { Ending } from './ending.ts'

/**
 * Parameter server 0 exits with 0 after the last step is saved. If its pod has been deleted, the final checkpoint in
 * the status proves it.
 */
export function isTrainingFinished({ slots }: PlacedPods, { spec, status }: Pick<Job, 'spec' | 'status'>): boolean {
  const first = slots.ps[0]
  if (first?.pod) return first.pod.phase === 'Succeeded'
  const saved = status?.checkpoint
  return first?.occupant === undefined && saved?.final === true && saved.step >= spec.maxSteps
}

export function success(
  world: World,
  reports: Pick<JobStatus, 'progress' | 'headline' | 'checkpoint'>,
): Ending | undefined {
  if (!world.trainingFinished) return undefined
  if (!world.slots.evaluator.every((slot) => slot.pod?.phase === 'Succeeded')) return undefined
  const step = reports.checkpoint?.step ?? reports.progress?.step
  const facts = [step === undefined ? 'trained' : `trained to step ${step}`, reports.headline].filter(Boolean)
  return { type: 'Succeeded', reason: 'Completed', message: facts.join(', ') }
}
