/** Where the training loop gets its steps from: this process, or the processes of its pod. */

import type { LeaseSource } from '../input/batch.ts'
import type { Loader, LoaderStats } from '../input/loader.ts'
import type { DataFacts, LoaderStart } from '../input/loader-messages.ts'
import type { StepOutput, Stepper } from './step.ts'

/** Weights, gradients or statistics of variables by name. */
export type Values = ReadonlyMap<string, Float32Array>

/** Steps on the same weights. Gradients that are not finite are left out; if all are, the rest describes them. */
export interface StepSum extends Omit<StepOutput, 'finite'> {
  /** Sum of the gradients, of the statistics, and of the examples of so many batches; their mean loss. */
  batches: number
  /** Gradients that are left out. */
  nonFinite: number
}

export interface SourceStats extends LoaderStats {
  /** Resident memory of other processes that compute; absent: there are none. */
  otherRssBytes?: number
}

export interface StepSource {
  /** Keeps the arrays: the caller may change them only before the next load. @throws RangeError for a missing variable */
  load(weights: Values): void
  /**
   * Takes the next batches and computes on the weights.
   * @param into where gradients are written to, by variable; others get arrays of their own
   * @returns null after the last lease. @throws DownpourError BAD_DATA, DATA_…, LABEL_…; AbortError
   */
  next(into?: Values): Promise<StepSum | null>
  stats(): SourceStats
}

/** A source that can also measure the statistics of batch norm on its first images (calibrate.ts). */
export interface CalibratingSource extends StepSource {
  measure(weights: Values): Promise<Values>
}

/** A source whose data set is open, and which waits for the classes of the job. */
export interface OpenSource {
  readonly facts: DataFacts
  /** What computes. */
  readonly backend: string
  /** Aborted when it cannot compute any more; the reason is why. */
  readonly signal: AbortSignal
  start(leases: LeaseSource, start: LoaderStart): CalibratingSource
  close(): Promise<void>
}

export interface SingleOptions {
  loader: Pick<Loader<unknown>, 'next' | 'recycle' | 'stats'>
  stepper: Stepper
  /** Adds up the time that is spent waiting for batches. */
  timed?: <T>(batch: Promise<T>) => Promise<T>
}

/** Steps of one batch, in this process. */
export function singleSteps({ loader, stepper, timed = (batch) => batch }: SingleOptions): StepSource {
  return {
    load: (weights) => stepper.load(weights),
    async next(into) {
      const batch = await timed(loader.next())
      if (!batch) return null
      const { finite, ...output } = await stepper.step(batch, into)
      loader.recycle(batch)
      return { ...output, batches: finite ? 1 : 0, nonFinite: finite ? 0 : 1 }
    },
    stats: () => loader.stats(),
  }
}
