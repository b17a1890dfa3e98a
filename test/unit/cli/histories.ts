/** Builders for ended jobs with their history and results. */
import type { Job } from '../../../src/api/job.ts'
import type { JobStatus } from '../../../src/api/status.ts'
import type { JobResult } from '../../../src/cli/results.ts'
import type { HistoryRecord } from '../../../src/contract/files.ts'
import { finetune, pretrain } from '../../support/job-cases.ts'
import { jobOf } from '../plan/jobs.ts'

export function record(step: number, over: Partial<HistoryRecord> = {}): HistoryRecord {
  const numbers = {
    loss: 1 / step,
    learningRate: 0.1,
    examplesPerSecond: 10 + step,
    stalenessMean: step / 10,
    workers: 2,
  }
  return { step, at: '2026-01-01T00:00:00Z', ...numbers, ...over }
}

const ENDED: Partial<JobStatus> = {
  phase: 'Succeeded',
  conditions: [],
  restarts: { ps: 0, worker: 0, evaluator: 0, counted: 0, total: 0 },
  checkpoint: { step: 150, digest: 'abcdef0123456789', path: 'team/jft-1/step-000000150', savedAt: '', final: true },
  startTime: '2026-01-01T00:00:00Z',
  completionTime: '2026-01-01T00:01:05Z',
}

export function pretrained(status: Partial<JobStatus> = {}): Job {
  return jobOf(pretrain(), { ...ENDED, ...status })
}

/** @param top1 absent: the job has no results */
export function finetuned(name: string, top1?: number, over: Record<string, unknown> = {}): Job {
  const results = top1 === undefined ? {} : { results: { step: 150, metrics: { top1, loss: 2 }, examples: 100 } }
  return jobOf(finetune({ maxSteps: 150, ...over }, name), { ...ENDED, ...results })
}

export const fromRandom = (name: string, top1?: number, over: Record<string, unknown> = {}) =>
  finetuned(name, top1, { init: 'random', from: undefined, ...over })

export const resultOf = (job: Job, history: HistoryRecord[] = [], scores: JobResult['scores'] = []): JobResult => ({
  job,
  history,
  scores,
})
