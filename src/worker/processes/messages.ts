/** Messages between the process of a worker that exchanges and those that compute for it. */
import type { Lease } from '../../contract/exchange.ts'
import type { LoaderStart } from '../../input/loader-messages.ts'
import type { StepOutput } from '../step.ts'
import type { OpenSource, SourceStats, Values } from '../step-source.ts'

/** Of the file of SharedArrays, in a process that computes. */
export const SHARED_FD = 4

/** What one process has computed; its gradient is in the shared memory if it is finite. */
export interface ComputedStep extends Pick<StepOutput, 'loss' | 'parts' | 'examples' | 'finite' | 'seconds'> {
  /** For the batch. */
  waitedSeconds: number
}

export type Question =
  /** @property isFresh whether the shared weights have changed */
  | { type: 'step'; isFresh: boolean }
  /** Add the gradients of these processes, each a part of them. */
  | { type: 'add'; of: readonly number[] }
  /** Measure the statistics of batch norm with the shared weights. */
  | { type: 'measure' }

export interface Answers {
  /** @property step null: there are no more batches */
  step: { step: ComputedStep | null; stats: SourceStats }
  add: object
  measure: { statistics: Values }
}

export interface StartMessage extends LoaderStart {
  type: 'start'
}

export type ToProcess = StartMessage | { type: 'lease'; lease: Lease | null } | Question

export type OpenFacts = Pick<OpenSource, 'facts' | 'backend'>

export type FromProcess =
  | ({ type: 'opened' } & OpenFacts)
  | { type: 'answer'; answer: Answers[keyof Answers] }
  | { type: 'lease' }
  | { type: 'leaseDone'; lease: Lease }
  | { type: 'failed'; code: string; message: string }
