/** How long a job has been in phase Running. Kept in its status, so that a new operator continues the count. */
import type { JobStatus, Phase } from '../api/status.ts'

type RunningTime = Pick<JobStatus, 'runningSeconds' | 'runningSince'>

/** Changes only together with the phase, so that a running job causes no writes. */
export function countRunning(before: RunningTime | undefined, phase: Phase, nowMs: number): RunningTime {
  const { runningSeconds, runningSince } = before ?? {}
  if (phase === 'Running') {
    return {
      ...(runningSeconds !== undefined && { runningSeconds }),
      runningSince: runningSince ?? new Date(nowMs).toISOString(),
    }
  }
  if (runningSince === undefined) return runningSeconds === undefined ? {} : { runningSeconds }
  return { runningSeconds: Math.round(runningForSeconds({ runningSeconds, runningSince }, nowMs)) }
}

export function runningForSeconds({ runningSeconds = 0, runningSince }: RunningTime, nowMs: number): number {
  if (runningSince === undefined) return runningSeconds
  return runningSeconds + Math.max(0, nowMs - Date.parse(runningSince)) / 1000
}
