/** What a run ended with: read back from the jobs' status and from the files the parameter servers left. */
import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import type { Job } from '../api/job.ts'
import { FILES, type HistoryRecord } from '../contract/files.ts'
import { shortNumber } from './chart.ts'
import { duration } from './progress.ts'
import { table } from './table.ts'

export interface JobResult {
  job: Job
  /** Empty when the job never ran, or its files are gone. */
  history: HistoryRecord[]
}

/** @param folderOf the folder of this machine that stands for a claim. */
export async function collectResults(
  jobs: readonly Job[],
  folderOf: (namespace: string, claimName: string) => Promise<string>,
): Promise<JobResult[]> {
  return Promise.all(jobs.map(async (job) => ({ job, history: await readHistory(job, folderOf) })))
}

async function readHistory(
  job: Job,
  folderOf: (namespace: string, claimName: string) => Promise<string>,
): Promise<HistoryRecord[]> {
  const checkpoint = job.status?.checkpoint
  if (!checkpoint) return []
  const { claimName } = job.spec.checkpoint.storage.volume
  const volume = await folderOf(job.metadata.namespace, claimName).catch(() => undefined)
  if (volume === undefined) return []
  const text = await readFile(join(volume, dirname(checkpoint.path), FILES.history), 'utf8').catch(() => '')
  return withoutRolledBack(text.split('\n').flatMap(parseLine))
}

function parseLine(line: string): HistoryRecord[] {
  try {
    const record = line ? (JSON.parse(line) as Partial<HistoryRecord>) : {}
    return typeof record.step === 'number' ? [record as HistoryRecord] : []
  } catch {
    return [] // the last line of a killed process may be torn
  }
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

/** The closing table of `downpour run`. */
export function resultTable(results: readonly JobResult[]): string[] {
  const rows = results.map(({ job }) => {
    const { status, metadata } = job
    return [
      `${job.kind}/${metadata.name}`,
      status?.phase ?? 'Pending',
      status?.progress ? `${status.progress.step}` : '-',
      status?.progress?.loss === undefined ? '-' : status.progress.loss.toFixed(3),
      metricsText(status?.results?.metrics),
      status?.progress ? `${status.progress.stalenessMean.toFixed(2)} / ${status.progress.stalenessP99}` : '-',
      status?.progress ? `${status.progress.workersContributed}/${status.replicas.worker.desired}` : '-',
      String(status?.restarts.total ?? 0),
      elapsed(status?.startTime, status?.completionTime),
    ]
  })
  const head = ['JOB', 'PHASE', 'STEPS', 'LOSS', 'METRICS', 'STALENESS MEAN/P99', 'PUSHED', 'RESTARTS', 'TIME']
  return table([head, ...rows])
}

/** As the table rounds it, so that the sentence says the same and its difference is that of the two numbers beside it. */
function thousandths(share: number): number {
  return Math.round(Number(share.toFixed(3)) * 1000)
}

function percentText(share: number): string {
  return `${(thousandths(share) / 10).toFixed(1)}%`
}

export function metricsText(metrics: Record<string, number> | undefined): string {
  if (!metrics) return '-'
  return Object.entries(metrics)
    .map(([name, value]) => `${name} ${name === 'loss' ? shortNumber(value) : value.toFixed(3)}`)
    .join(', ')
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
    const [ours, theirs] = [job.status?.results?.metrics.top1, twin.status?.results?.metrics.top1]
    if (ours === undefined || theirs === undefined) return []
    const points = (thousandths(ours) - thousandths(theirs)) / 10
    return [
      `Pre-training: top-1 ${percentText(ours)} (${job.metadata.name}) against ${percentText(theirs)} from random weights (${twin.metadata.name}) at ${job.spec.maxSteps} steps: ${points.toFixed(1)} points.`,
    ]
  })
}
