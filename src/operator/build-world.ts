import type { Job } from '../api/job.ts'
import type { Observed } from './observed.ts'
import { placePods } from './place-pods.ts'
import { failuresOf } from './policies/pod-failure.ts'
import { countRestarts } from './policies/restart-counts.ts'
import { isTrainingFinished } from './policies/success.ts'
import type { World } from './world.ts'

/** Computes once what many policies ask: whether training has finished, which pods have failed, and how often. */
export function buildWorld(job: Job, observed: Observed, nowMs: number): World {
  const placed = placePods(job, observed)
  const previous = job.status
  const trainingFinished = isTrainingFinished(placed, job)
  const failures = failuresOf(placed.pods, job.spec, trainingFinished)
  const restarts = countRestarts(placed, failures, previous?.restarts)
  return { ...placed, job, observed, nowMs, previous, trainingFinished, failures, restarts }
}
