/** What the operator's metrics show of a job: a pure function of its stored object and the time. */
import { type Job, wantedSource } from '../api/job.ts'
import type { JobStatus } from '../api/status.ts'
import { ROLES, type Role } from '../contract/names.ts'
import type { InfoLabel, JobFigures } from '../metrics/jobs.ts'
import { isTrue } from './conditions.ts'
import type { ParsedJob } from './job-reader.ts'
import { runningForSeconds } from './running-time.ts'

/** A job with the newest status that was written, which its stored object may not show yet. */
export type PublishedJob = ParsedJob & { readonly status: JobStatus }

export function jobFigures({ status, ...parsed }: PublishedJob, nowMs: number): JobFigures {
  const { kind, metadata } = parsed.job
  const { namespace, name } = metadata
  const createdSeconds = secondsAt(metadata.creationTimestamp) ?? 0
  const endSeconds = secondsAt(status.completionTime) ?? nowMs / 1000
  const { progress, checkpoint } = status
  return {
    labels: { namespace, kind, job_name: name },
    ...(parsed.state === 'valid' && { info: infoOf(parsed.job), maxSteps: parsed.job.spec.maxSteps }),
    phase: status.phase,
    conditions: status.conditions.filter((one) => isTrue([one], one.type)).map(({ type }) => type),
    roles: Object.fromEntries(ROLES.map((role) => [role, roleOf(status, role)])),
    createdSeconds,
    startSeconds: secondsAt(status.startTime),
    runningForSeconds: runningForSeconds(status, nowMs),
    livedForSeconds: Math.max(0, endSeconds - createdSeconds),
    step: progress?.step,
    stepsLost: progress?.stepsLost ?? 0,
    ...(checkpoint && { checkpoint: { step: checkpoint.step, savedSeconds: secondsAt(checkpoint.savedAt) ?? 0 } }),
    results: status.results?.metrics ?? {},
  }
}

function infoOf(job: Job): Record<InfoLabel, string> {
  const { kind, spec } = job
  const source = wantedSource(job)
  return {
    task: spec.task.type,
    backbone: spec.model.backbone,
    preset: spec.preset ?? '',
    init: source ? 'pretrained' : 'random',
    protocol: kind === 'FinetuneJob' ? spec.protocol : '',
    from: source === undefined ? '' : source.type === 'job' ? source.pretrainJob : source.claimName,
  }
}

function roleOf({ replicas, restarts }: JobStatus, role: Role) {
  const { desired, ready } = replicas[role]
  return { desired, ready, restarts: restarts[role] }
}

function secondsAt(time: string | undefined): number | undefined {
  const ms = Date.parse(time ?? '')
  return Number.isNaN(ms) ? undefined : ms / 1000
}
