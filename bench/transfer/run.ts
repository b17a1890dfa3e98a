/** Runs the jobs of one seed and reads their scores. */
import type { Job } from '../../src/api/job.ts'
import { metricOf, runJobs } from '../local-jobs.ts'
import { firstManifests, jobName, longManifests, type Run } from './manifests.ts'
import type { TransferTask } from './tasks.ts'
import { LONG_TWIN, VARIANTS } from './variants.ts'
import { betterTwin, type Scores } from './verdict.ts'

/** @returns the scores of each task. Jobs that have ended in an earlier run of the same folder do not run again. */
export async function runSeed(run: Run, tasks: readonly TransferTask[]): Promise<Map<string, Scores>> {
  const first = await runJobs(run.stateDir, 'first.yaml', firstManifests(run, tasks))
  const short = new Map(tasks.map((task) => [task, scoresOf(task, VARIANTS, first)]))
  const twins = [...short].map(([task, scores]) => ({ task, twin: betterTwin(scores) }))
  const long = await runJobs(run.stateDir, 'longer.yaml', longManifests(run, twins))
  return new Map([...short].map(([task, scores]) => [task.name, { ...scores, ...scoresOf(task, [LONG_TWIN], long) }]))
}

function scoresOf(task: TransferTask, variants: readonly string[], jobs: readonly Job[]): Scores {
  return Object.fromEntries(variants.map((variant) => [variant, metricOf(jobs, jobName(task, variant), task.metric)]))
}
