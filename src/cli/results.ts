/** Results of a run, read from the jobs' status and from the files that the parameter servers wrote. */
import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Job } from '../api/job.ts'
import { FILES, type HistoryRecord, parseHistoryLine } from '../contract/files.ts'
import { JOB_KINDS, SHORT_NAMES } from '../contract/names.ts'
import { metricsText } from './metric-text.ts'
import { duration } from './progress.ts'
import { type FolderOf, type JobPictures, readPictures } from './report/pictures.ts'
import { type Score, ScoreHistory } from './scores.ts'
import { fitTable, type Row, table, textWidth, wrapText } from './table.ts'

export interface JobResult {
  job: Job
  /** Empty if the job never ran or its files are missing. */
  history: HistoryRecord[]
  /** Scores of its checkpoints, in order of step. */
  scores: Score[]
  /** Folder of this machine with its checkpoints; absent if it has saved none. */
  folder?: string
  /** Absent without a scored checkpoint, or if its task draws none. */
  pictures?: JobPictures
}

/** @param folderOf returns the folder of this machine that a claim stands for */
export async function collectResults(
  jobs: readonly Job[],
  folderOf: FolderOf,
  scores: ScoreHistory = new ScoreHistory(),
): Promise<JobResult[]> {
  return Promise.all(
    jobs.map(async (job) => {
      const folder = await savingFolder(job, folderOf)
      const pictures = folder && (await readPictures(job, folder, folderOf))
      return {
        job,
        history: await readHistory(folder),
        scores: await scores.of(job, folder),
        ...(folder && { folder }),
        ...(pictures && { pictures }),
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

/** A restored parameter server repeats some steps. Keeps the last record of each, which belongs to the final weights. */
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
/** Columns left out on a narrow terminal, in this order; the report has all. */
const OPTIONAL_COLUMNS = ['RESTARTS', 'STALENESS', 'PUSHED', 'TIME', 'LOSS', 'STEPS']

/** The table at the end of `downpour run`. @param width of the terminal; absent: a pipe */
export function resultTable(results: readonly JobResult[], width = Number.POSITIVE_INFINITY): string[] {
  const rows = results.map(({ job }) => rowOf(job))
  const whole = table([HEAD, ...rows])
  if (whole.every((line) => textWidth(line) <= width)) return whole
  const { lines, left } = fitTable([NARROW_HEAD, ...rows.flatMap(narrowRows)], { width, optional: OPTIONAL_COLUMNS })
  return left.length === 0 ? lines : [...lines, ...wrapText(`Left out: ${left.join(', ')} (see the report).`, width)]
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

/** Shortens the kind (pj, fj) and puts each metric into its own row. */
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
