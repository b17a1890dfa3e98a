/** What is compared: each asynchrony policy and each compression of a job, with the settings of their documentation, and prefetch. */
import type { AsyncPolicy, Compression } from '../../src/contract/training.ts'

export interface Contender {
  readonly name: string
  readonly policy: AsyncPolicy
  readonly prefetch?: boolean
  /** Its documentation says that it learns worse: shown, and no failure. */
  readonly isWorse?: boolean
  readonly compression?: Compression
  /** Gradients of an update, for the estimate alone. */
  readonly gradients: number
}

export const WORKERS = 4
const BACKUPS = 1

/** The others are compared with the first one. */
export const CONTENDERS: readonly [Contender, ...Contender[]] = [
  { name: 'async', policy: { type: 'async' }, gradients: 1 },
  { name: 'lr-over-staleness', policy: { type: 'lrOverStaleness' }, gradients: 1 },
  { name: 'dc-asgd', policy: { type: 'dcAsgd', delayCompensation: 0.04 }, gradients: 1 },
  { name: 'bounded-delay', policy: { type: 'boundedDelay', maxDelay: 2 }, gradients: 1 },
  { name: 'sync-backup', policy: { type: 'syncBackup', backups: BACKUPS }, gradients: WORKERS },
  { name: 'prefetch', policy: { type: 'async' }, prefetch: true, isWorse: true, gradients: 1 },
  { name: 'fp16', policy: { type: 'async' }, compression: 'fp16', gradients: 1 },
  { name: 'bf16', policy: { type: 'async' }, compression: 'bf16', gradients: 1 },
  { name: 'int8', policy: { type: 'async' }, compression: 'int8', gradients: 1 },
]
