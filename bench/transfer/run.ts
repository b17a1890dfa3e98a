/** Runs the jobs of one seed with `downpour run`, as a user would, and reads their scores. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Job } from '../../src/api/job.ts'
import { firstManifests, jobName, longManifests, type Run } from './manifests.ts'
import type { TransferTask } from './tasks.ts'
import { LONG_TWIN, VARIANTS } from './variants.ts'
import { betterTwin, type Scores } from './verdict.ts'

/** @returns the scores of each task. Jobs that have ended in an earlier run of the same folder do not run again. */
export async function runSeed(run: Run, tasks: readonly TransferTask[]): Promise<Map<string, Scores>> {
  const first = await runJobs(run, 'first.yaml', firstManifests(run, tasks))
  const short = new Map(tasks.map((task) => [task, scoresOf(task, VARIANTS, first)]))
  const twins = [...short].map(([task, scores]) => ({ task, twin: betterTwin(scores) }))
  const long = await runJobs(run, 'longer.yaml', longManifests(run, twins))
  return new Map([...short].map(([task, scores]) => [task.name, { ...scores, ...scoresOf(task, [LONG_TWIN], long) }]))
}

async function runJobs({ stateDir }: Run, name: string, yaml: string): Promise<Job[]> {
  await mkdir(stateDir, { recursive: true })
  const file = join(stateDir, name)
  await writeFile(file, yaml)
  const child = spawn(process.execPath, ['bin/downpour', 'run', file, '--state-dir', stateDir], {
    stdio: ['ignore', 'inherit', 'inherit'],
  })
  const [code, signal] = await once(child, 'exit')
  if (code !== 0) throw new Error(`downpour run ${file} ended with ${signal ?? code}; its logs are in ${stateDir}`)
  return JSON.parse(await readFile(join(stateDir, 'results.json'), 'utf8')) as Job[]
}

/** @throws Error: a job has no such metric */
function scoresOf(task: TransferTask, variants: readonly string[], jobs: readonly Job[]): Scores {
  const scoreOf = (variant: string) => {
    const job = jobs.find(({ metadata }) => metadata.name === jobName(task, variant))
    const score = job?.status?.results?.metrics[task.metric]
    if (score === undefined) throw new Error(`${jobName(task, variant)}: no ${task.metric} in results.json`)
    return score
  }
  return Object.fromEntries(variants.map((variant) => [variant, scoreOf(variant)]))
}
