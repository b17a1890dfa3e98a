/** `downpour run`: runs an API server, the operator and the jobs' processes on this machine until the jobs have ended. */
import { rm, writeFile } from 'node:fs/promises'
import { availableParallelism, totalmem } from 'node:os'
import { join, resolve } from 'node:path'
import type { Job } from '../../api/job.ts'
import { withoutSecrets } from '../../api/secrets.ts'
import type { TargetGroup } from '../../contract/discovery.ts'
import { DECODERS_PER_CPU, ENV, TENSORFLOW_THREADS } from '../../contract/runtime.ts'
import { startLocalCluster } from '../../local/cluster.ts'
import { systemClock } from '../../support/clock.ts'
import { createLog } from '../../support/log.ts'
import { firstWeightsTable } from '../first-weights.ts'
import { jobText } from '../job-text.ts'
import { readManifests } from '../manifests.ts'
import { skippedText } from '../metric-text.ts'
import { createProgressView, duration, type ProgressView } from '../progress.ts'
import { writeReport } from '../report/report.ts'
import { collectResults, type JobResult, resultTable } from '../results.ts'
import { ScoreHistory } from '../scores.ts'
import { shellWord } from '../shell-word.ts'
import { gainTable, transferGains } from '../transfer-gains.ts'
import { VERSION } from '../version.ts'
import { Announcements } from './announcements.ts'
import { checkManifests, jobsOf, manifestWarnings } from './check-manifests.ts'
import { readDemonstration } from './demonstration.ts'
import { generateRequestedData } from './generate-data.ts'
import { RunJobs } from './jobs.ts'
import { watchParents } from './parent-processes.ts'
import { PROMETHEUS_ADDRESS, writePrometheusConfig } from './prometheus-config.ts'
import { savedLines } from './saved-checkpoints.ts'
import { type SupervisedOperator, superviseOperator } from './supervise-operator.ts'
import { tensorflowThreads } from './tensorflow-threads.ts'
import { retryUntilSpace } from './wait-for-space.ts'

export interface RunOptions {
  stateDir: string
  fresh?: boolean
  quick?: boolean
  keepRunning?: boolean
  seed?: number
  /** Absent: one for each core, and at least a pair. */
  parallelJobs?: number
}

/** Two jobs that are compared run side by side. */
const MIN_PARALLEL_JOBS = 2
const POLL_INTERVAL_MS = 500
const BIN = [process.execPath, resolve(import.meta.dirname, '../../../bin/downpour')]

/** @returns the exit code: 0 when every job succeeded, 130 when interrupted. */
export async function run(files: string[], options: RunOptions): Promise<number> {
  const view = createProgressView(process.stdout)
  const interrupt = onInterrupt(view)
  const startedMs = systemClock.monotonicMs()
  const manifests = files.length > 0 ? await readManifests(files) : await readDemonstration(options)
  await checkManifests(manifests)
  for (const line of manifestWarnings(manifests)) view.print(line)
  const log = createLog({ process: 'local' }, 'warn')
  const { stateDir } = options
  const parallelJobs = options.parallelJobs ?? Math.max(MIN_PARALLEL_JOBS, availableParallelism())
  const threads = tensorflowThreads(jobsOf(manifests), parallelJobs, availableParallelism())
  const environment = podEnvironment(stateDir, threads)
  const onLocked = async () => (options.fresh ? deletePreviousRuns(stateDir) : undefined)
  const onStorageOutage = (reason: string | undefined) => view.print(storageText(reason))
  let operator: SupervisedOperator | undefined
  const cluster = await startLocalCluster({
    ...{ stateDir, command: BIN, environment, log, onLocked, onStorageOutage },
    otherTargets: () => targetsOf(operator),
  })
  const kubeconfig = cluster.kubeconfigPath
  const jobs = new RunJobs({ kubeConfig: kubeconfig, stateDir, parallelJobs, signal: interrupt })
  let unfinished = new Map<string, string>()
  try {
    for (const line of commandLines(kubeconfig, await writePrometheusConfig(stateDir, cluster))) view.print(line)
    await generateRequestedData(manifests, view, interrupt)
    await jobs.apply(manifests, view)
    const operatorEnvironment = { ...environment, ...cluster.environment }
    operator = superviseOperator({ command: BIN, kubeconfig, stateDir, environment: operatorEnvironment, view, log })
    const scores = new ScoreHistory()
    const ended = await followJobs(jobs, view, scores, interrupt)
    const code = await reportRun(
      await collectResults(ended, (namespace, name) => jobs.claimFolder(namespace, name), scores),
      options,
      startedMs,
      view,
      interrupt,
    )
    if (options.keepRunning) await untilInterrupted(view, interrupt)
    return code
  } catch (error) {
    if (!interrupt.aborted) throw error
    view.end()
    unfinished = await jobs.unfinishedFolders()
    view.print(stoppingText(unfinished))
    return 130
  } finally {
    await jobs.close()
    await operator?.stop()
    await cluster.close()
    for (const line of await savedLines(unfinished)) view.print(line)
  }
}

/** Commands for another terminal. */
function commandLines(kubeconfig: string, prometheusFlags: string): string[] {
  return [
    `kubectl --kubeconfig ${kubeconfig} get pj,fj,pods    # for another terminal`,
    `prometheus ${prometheusFlags}    # shows its metrics at http://${PROMETHEUS_ADDRESS}`,
  ]
}

function targetsOf(operator: SupervisedOperator | undefined): TargetGroup[] {
  const address = operator?.address()
  return address === undefined ? [] : [{ targets: [address], labels: { pod: 'downpour-operator' } }]
}

function storageText(reason: string | undefined): string {
  if (reason === undefined) return 'the disk has space again: the run continues'
  return `${reason}: the run waits until there is space`
}

function stoppingText(unfinished: ReadonlyMap<string, string>): string {
  if (unfinished.size === 0) return 'stopping ...'
  return 'stopping: parameter servers save a checkpoint ... (the same command continues from it)'
}

/**
 * All processes share one compile cache: they load the same modules, and the cache halves the time of a start. Variables of
 * the user's environment come first.
 */
function podEnvironment(stateDir: string, threads: number): NodeJS.ProcessEnv {
  const tensorflow = Object.fromEntries(TENSORFLOW_THREADS.map((name) => [name, String(threads)]))
  const shared = { ...tensorflow, [ENV.decoders]: String(DECODERS_PER_CPU * threads) }
  return { NODE_COMPILE_CACHE: resolve(stateDir, 'compile-cache'), ...shared, ...process.env }
}

/** Shows the jobs until all of them, and all that they have created, have ended. */
async function followJobs(
  jobs: RunJobs,
  view: ProgressView,
  scores: ScoreHistory,
  interrupt: AbortSignal,
): Promise<Job[]> {
  const shownNotes = new Set<string>()
  const announcements = new Announcements(view)
  for (;;) {
    const { jobs: current, isOver, notes } = await jobs.read()
    for (const note of notes.filter((one) => !shownNotes.has(one))) view.print(note)
    for (const note of notes) shownNotes.add(note)
    announcements.announce(current)
    view.show(current)
    scores.note(current)
    if (isOver) return current
    await systemClock.sleep(POLL_INTERVAL_MS, interrupt)
  }
}

async function reportRun(
  results: JobResult[],
  options: RunOptions,
  startedMs: number,
  view: ProgressView,
  interrupt: AbortSignal,
): Promise<number> {
  view.end()
  const ended = results.map(({ job }) => job)
  const report = resolve(options.stateDir, 'report.html')
  const seconds = (systemClock.monotonicMs() - startedMs) / 1000
  await retryUntilSpace(options.stateDir, view, interrupt, async () => {
    await writeReport(report, results, { title: 'Downpour run', facts: runFacts(seconds) })
    const text = `${JSON.stringify(withoutSecrets(ended), null, 2)}\n`
    await writeFile(join(options.stateDir, 'results.json'), text, { mode: 0o600 })
  })
  const width = process.stdout.isTTY ? process.stdout.columns : undefined
  const tables = [resultTable(results, width), firstWeightsTable(ended, width), gainTable(transferGains(results))]
  for (const lines of tables) for (const line of ['', ...lines]) view.print(line)
  for (const job of ended) for (const line of [...skippedLines(job), ...failureLines(job)]) view.print(line)
  view.print(`Report: ${report}    (${duration(seconds)})`)
  return ended.every((job) => job.status?.phase === 'Succeeded') ? 0 : 1
}

function skippedLines(job: Job): string[] {
  const text = skippedText(job)
  return text ? [`${jobText(job)}: ${text}: the evaluator is slower than training (spec.evaluation.maxWaiting)`] : []
}

function failureLines(job: Job): string[] {
  const failed = job.status?.conditions.find((c) => c.type === 'Failed' && c.status === 'True')
  return failed ? [`${jobText(job)} failed: ${failed.reason}: ${failed.message}`] : []
}

function runFacts(seconds: number): [string, string][] {
  const memory = `${Math.round(totalmem() / 2 ** 30)} GiB`
  return [
    ['Command', commandText(process.argv.slice(2))],
    ['Working directory', process.cwd()],
    ['Version', `downpour ${VERSION}, Node ${process.versions.node}`],
    ['Machine', `${availableParallelism()} cores, ${memory}, ${process.platform} ${process.arch}`],
    ['Duration', duration(seconds)],
    ['Ended', new Date(systemClock.nowMs()).toISOString()],
  ]
}

/** @returns the command to repeat this run, quoted for a shell */
function commandText([verb = 'run', ...words]: readonly string[]): string {
  const typed = words.map(shellWord)
  if (process.env.npm_lifecycle_event !== 'start') return ['bin/downpour', verb, ...typed].join(' ')
  return ['npm start', ...(typed.length > 0 ? ['--', ...typed] : [])].join(' ')
}

/**
 * Aborts on the first Ctrl-C, which stops the run in order. Signals within one second count as one: npm forwards SIGINT,
 * which the terminal has sent to this process, too.
 */
function onInterrupt(view: ProgressView): AbortSignal {
  const controller = new AbortController()
  let firstMs = 0
  const handle = () => {
    const nowMs = systemClock.monotonicMs()
    if (!controller.signal.aborted) {
      firstMs = nowMs
      controller.abort()
    } else if (nowMs - firstMs > 1000) {
      view.print('still stopping; pods that do not end are killed after their grace period')
    }
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, handle)
  watchParents(process.env.DOWNPOUR_STARTED_BY, () => controller.abort())
  // If the terminal or the reader of a pipe is closed, the run stops in order. Any other verb exits at once (main.ts).
  process.stdout.removeAllListeners('error').on('error', () => controller.abort())
  process.stderr.on('error', () => controller.abort())
  return controller.signal
}

async function untilInterrupted(view: ProgressView, interrupt: AbortSignal): Promise<void> {
  view.print('The API server and the operator keep running; Ctrl-C stops them.')
  await new Promise<void>((done) => {
    if (interrupt.aborted) done()
    else interrupt.addEventListener('abort', () => done(), { once: true })
  })
}

async function deletePreviousRuns(stateDir: string): Promise<void> {
  for (const part of ['state', 'volumes', 'logs', 'report.html', 'results.json'])
    await rm(join(stateDir, part), { recursive: true, force: true })
}
