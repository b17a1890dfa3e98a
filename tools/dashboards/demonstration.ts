/** Makes data for the dashboards: a run of some minutes, in which a worker pauses and a parameter server is killed. */
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { Job } from '../../src/api/job.ts'
import { DownpourError, errorCode } from '../../src/support/errors.ts'
import { prepareSmallJobs } from '../../test/faults/small-job.ts'
import { type LocalRun, startLocalRun } from '../../test/support/local-run.ts'
import type { Progress } from '../cluster/progress.ts'
import { DEFAULTS, plainRules } from '../monitoring/rule-files.ts'
import type { TimeRangeSeconds } from './dashboard-json.ts'
import { PRETRAIN_JOB, SIZES, WORKERS, writeJobs } from './demonstration-jobs.ts'
import type { Wanted } from './fetch-drawing.ts'

export interface Demonstration {
  readonly prometheus: string
  readonly range: TimeRangeSeconds
  readonly wanted: Wanted
}

const SCRAPE_SECONDS = 5
const RULES = { ...DEFAULTS, window: '30s', graceSeconds: 30 }
const CHOSEN: Wanted = new Map([
  ['job:kind', ['PretrainJob']],
  ['job:job', [PRETRAIN_JOB]],
])
const STARTS_WITHIN_MS = 120_000
const ENDS_WITHIN_MS = 300_000
const POLL_MS = 1000
const PAUSE_MS = 20_000
/** Shares of the steps. The kill comes where no other job has a parameter server, between two checkpoints. */
const PAUSE_AT = 0.25
const KILL_AT = 0.55
const DRAW_AT = 0.95
const SAY_EVERY = 0.1

/** @param draw is called after the end of the run, while its Prometheus still answers */
export async function withDemonstration<T>(
  progress: Progress,
  signal: AbortSignal,
  draw: (demonstration: Demonstration) => Promise<T>,
): Promise<T> {
  // Looks for Prometheus when it is loaded, which drawing from another Prometheus does not need.
  const { startPrometheus } = await import('../../test/monitoring/prometheus.ts')
  await using cleanUp = new AsyncDisposableStack()
  const folder = await mkdtemp(join(tmpdir(), 'downpour-dashboards-'))
  cleanUp.defer(() => rm(folder, { recursive: true, force: true }))
  const jobs = await progress.step('generating the data set', () => prepareSmallJobs(SIZES))
  cleanUp.defer(() => jobs.remove())
  const { files, stateDir } = await writeJobs(jobs)
  const run = startLocalRun(files, stateDir, ['--parallel-jobs', '3'])
  cleanUp.defer(() => endRun(run))
  const configuration = join(stateDir, 'prometheus.yml')
  await progress.step('starting a run', () => untilStarted(run, configuration, signal))
  const prometheus = await startPrometheus(configuration, folder, plainRules(RULES), {
    scrapeSeconds: SCRAPE_SECONDS,
  })
  cleanUp.defer(() => prometheus.stop())
  const range = await disturb(run, progress, signal)
  return await draw({ prometheus: prometheus.url, range, wanted: CHOSEN })
}

async function untilStarted(run: LocalRun, configuration: string, signal: AbortSignal): Promise<void> {
  const deadline = performance.now() + STARTS_WITHIN_MS
  while (!existsSync(configuration) || (await preTraining(run)) === undefined) {
    if (performance.now() > deadline || run.child.exitCode !== null)
      throw new DownpourError('RUN_FAILED', `the run does not start; it printed: ${run.output()}`)
    await delay(POLL_MS, undefined, { signal })
  }
}

/** Undefined: its file is not applied yet. */
async function preTraining(run: LocalRun): Promise<Job | undefined> {
  return await run.job('PretrainJob', PRETRAIN_JOB).catch((error) => {
    if (errorCode(error) === 'KUBE_NOT_FOUND') return undefined
    throw error
  })
}

/** @returns from the start of the run to shortly before the end of pre-training, where there is most to see */
async function disturb(run: LocalRun, { say, step }: Progress, signal: AbortSignal): Promise<TimeRangeSeconds> {
  const from = Date.now() / 1000
  await untilShare(run, PAUSE_AT, say, signal)
  await step(`pausing a worker for ${PAUSE_MS / 1000} s`, () => pause(run, signal))
  await untilShare(run, KILL_AT, say, signal)
  say('killing the parameter server')
  process.kill(mustBe(run.podPid('ps', 0)), 'SIGKILL')
  await untilShare(run, DRAW_AT, say, signal)
  const to = Date.now() / 1000
  await step('waiting for the end of the run', () => run.ended(ENDS_WITHIN_MS))
  return { from, to }
}

async function pause(run: LocalRun, signal: AbortSignal): Promise<void> {
  const pid = mustBe(run.podPid('worker', WORKERS - 1))
  process.kill(pid, 'SIGSTOP')
  // Also after Ctrl-C: a stopped process would not end with its run.
  await delay(PAUSE_MS, undefined, { signal }).finally(() => process.kill(pid, 'SIGCONT'))
}

function mustBe(pid: number | undefined): number {
  if (pid !== undefined) return pid
  throw new DownpourError('RUN_FAILED', 'a pod that the demonstration disturbs does not run')
}

async function untilShare(run: LocalRun, share: number, say: Progress['say'], signal: AbortSignal): Promise<void> {
  let said = 0
  for (;;) {
    const { phase, progress } = (await preTraining(run))?.status ?? {}
    if (phase === 'Failed' || run.child.exitCode !== null) throw new DownpourError('RUN_FAILED', run.output())
    const done = progress ? progress.step / progress.maxSteps : 0
    if (done >= share) return
    if (done >= said + SAY_EVERY) {
      said = done
      say(`pre-training is at step ${progress?.step} of ${progress?.maxSteps}`)
    }
    await delay(POLL_MS, undefined, { signal })
  }
}

/** As Ctrl-C does: the run ends its pods. */
async function endRun(run: LocalRun): Promise<void> {
  if (run.child.exitCode !== null || run.child.signalCode !== null) return
  run.child.kill('SIGINT')
  await run.ended(STARTS_WITHIN_MS)
}
