/** What a run ended with: read back from the jobs' status and from the files the parameter servers left. */
import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import type { Job } from '../api/job.ts'
import { FILES, type HistoryRecord, parseHistoryLine } from '../contract/files.ts'
import { JOB_KINDS, SHORT_NAMES } from '../contract/names.ts'
import { headlineMetric } from '../plan/metric.ts'
import { gainTexts, headlineValue, metricsText } from './metric-text.ts'
import { duration } from './progress.ts'
import { type Score, ScoreBook } from './scores.ts'
import { fitTable, type Row, table, textWidth, wrapText } from './table.ts'

export interface JobResult {
  job: Job
  /** Empty when the job never ran, or its files are gone. */
  history: HistoryRecord[]
  /** Of its checkpoints, by rising step. */
  scores: Score[]
  /** Of this machine, where it saved. */
  folder?: string
}

type FolderOf = (namespace: string, claimName: string) => Promise<string>

/** @param folderOf the folder of this machine that stands for a claim. */
export async function collectResults(
  jobs: readonly Job[],
  folderOf: FolderOf,
  scores: ScoreBook = new ScoreBook(),
): Promise<JobResult[]> {
  return Promise.all(
    jobs.map(async (job) => {
      const folder = await savingFolder(job, folderOf)
      return {
        job,
        history: await readHistory(folder),
        scores: await scores.of(job, folder),
        ...(folder && { folder }),
      }
    }),
  )
}

async function savingFolder(job: Job, folderOf: FolderOf): Promise<string | undefined> {
  const checkpoint = job.status?.checkpoint
  if (!checkpoint) return undefined
  const { claimName } = job.spec.checkpoint.storage.volume
  const volume = await folderOf(job.metadata.namespace, claimName).catch(() => undefined)
  return volume === undefined ? undefined : join(volume, dirname(checkpoint.path))
}

async function readHistory(folder: string | undefined): Promise<HistoryRecord[]> {
  if (folder === undefined) return []
  const text = await readFile(join(folder, FILES.history), 'utf8').catch(() => '')
  return withoutRolledBack(text.split('\n').flatMap((line) => parseHistoryLine(line) ?? []))
}

/** A restored parameter server trains some steps again: the later record of a step is the one that counts. */
function withoutRolledBack(records: HistoryRecord[]): HistoryRecord[] {
  let next = Number.POSITIVE_INFINITY
  const kept = records.reverse().filter(({ step }) => {
    if (step >= next) return false
    next = step
    return true
  })
  return kept.reverse()
}

const HEAD = ['JOB', 'PHASE', 'STEPS', 'LOSS', 'METRICS', 'STALENESS MEAN/P99', 'PUSHED', 'RESTARTS', 'TIME']
const NARROW_HEAD = HEAD.map((head) => (head === 'STALENESS MEAN/P99' ? 'STALENESS' : head))
/** What a narrow terminal can do without: the report has it. */
const EXPENDABLE = ['RESTARTS', 'STALENESS', 'PUSHED', 'TIME', 'LOSS', 'STEPS']

/** The closing table of `downpour run`. @param width of the terminal; a pipe takes any */
export function resultTable(results: readonly JobResult[], width = Number.POSITIVE_INFINITY): string[] {
  const rows = results.map(({ job }) => rowOf(job))
  const whole = table([HEAD, ...rows])
  if (whole.every((line) => textWidth(line) <= width)) return whole
  const { lines, left } = fitTable([NARROW_HEAD, ...rows.flatMap(narrowRows)], { width, expendable: EXPENDABLE })
  return left.length === 0
    ? lines
    : [...lines, ...wrapText(`No room for ${left.join(', ')}: the report has them.`, width)]
}

function rowOf(job: Job): string[] {
  const { kind, metadata, status } = job
  const { progress } = status ?? {}
  return [
    `${kind}/${metadata.name}`,
    status?.phase ?? 'Pending',
    progress ? `${progress.step}` : '-',
    progress?.loss === undefined ? '-' : progress.loss.toFixed(3),
    metricsText(job),
    progress ? `${progress.stalenessMean.toFixed(2)} / ${progress.stalenessP99}` : '-',
    progress ? `${progress.workersContributed}/${status?.replicas.worker.desired}` : '-',
    String(status?.restarts.total ?? 0),
    elapsed(status?.startTime, status?.completionTime),
  ]
}

/** Short names, and each metric in a row of its own. */
function narrowRows(row: Row): Row[] {
  const at = HEAD.indexOf('METRICS')
  const [name = ''] = row
  const short = JOB_KINDS.reduce((text, kind) => text.replace(kind, SHORT_NAMES[kind]), name)
  const [first = '', ...more] = row[at]?.split(', ') ?? []
  const below = more.map((metric) => row.map((_, i) => (i === at ? metric : '')))
  return [row.with(0, short).with(at, first), ...below]
}

function elapsed(start: string | undefined, end: string | undefined): string {
  return start && end ? duration((Date.parse(end) - Date.parse(start)) / 1000) : '-'
}

/** Pairs of FinetuneJobs with results that differ in their first weights alone: the pre-trained one first. */
export function twinsOf(results: readonly JobResult[]): [JobResult, JobResult][] {
  const scored = results.filter(({ job }) => job.kind === 'FinetuneJob' && job.status?.results)
  const isRandom = ({ job }: JobResult) => job.kind === 'FinetuneJob' && job.spec.init === 'random'
  return scored
    .filter((one) => !isRandom(one))
    .flatMap((one): [JobResult, JobResult][] => {
      const twin = scored.find((other) => isRandom(other) && isDeepStrictEqual(trainingOf(other), trainingOf(one)))
      return twin ? [[one, twin]] : []
    })
}

function trainingOf({ job }: JobResult): object {
  const { init, from, suspend, ...training } = job.spec as Extract<Job, { kind: 'FinetuneJob' }>['spec']
  return training
}

/** What pre-training bought, a sentence for each pair of twins. */
export function transferGains(results: readonly JobResult[]): string[] {
  return twinsOf(results).flatMap(([{ job }, { job: twin }]) => {
    const metric = headlineMetric(job)
    const [ours, theirs] = [headlineValue(job), headlineValue(twin)]
    if (ours === undefined || theirs === undefined) return []
    const [one, other, gain] = gainTexts(metric, ours, theirs)
    return [
      `Pre-training: ${metric.name} ${one} (${job.metadata.name}) against ${other} from random weights (${twin.metadata.name}) at ${job.spec.maxSteps} steps: ${gain}.`,
    ]
  })
}
