/** What every program may know of a task. It imports zod and src/contract only, because the operator loads it. */
import { z } from 'zod'
import type { AnnotationKind, DataFormatName } from '../contract/data-formats.ts'
import type { MetricSpec } from '../contract/metrics.ts'
import type { JobKind } from '../contract/names.ts'
import { DownpourError } from '../support/errors.ts'

export interface TaskDeclaration {
  readonly type: string
  readonly kinds: readonly JobKind[]
  /** What determines the shapes of the weights, so it cannot change. An option `classes` is the number of classes that the data must have. */
  readonly options: z.ZodObject
  /** How an example becomes a sample, with a default for each field. It can change while the job is suspended. */
  readonly input: z.ZodObject
  /** What the task learns of a picture. */
  readonly annotates: AnnotationKind
  /** Formats of data sets that carry it. */
  readonly formats: readonly DataFormatName[]
  /** The first is the headline of a job, and what keepBest goes by. Reports draw one named `loss` beside the training loss. */
  readonly metrics: readonly [MetricSpec, ...MetricSpec[]]
  /** Names of metrics that a comparison of two jobs shows beside the headline. */
  readonly compared?: readonly string[]
  /** By what reports rank pictures: the score of the task's sketches, as the end of a sentence. */
  readonly picturesBy?: string
}

/** @throws DownpourError CONFIG_INVALID */
export function parseFields<F extends z.ZodObject>(fields: F, given: unknown): z.output<F> {
  const parsed = fields.safeParse(given)
  if (parsed.success) return parsed.data
  throw new DownpourError('CONFIG_INVALID', `task: ${z.prettifyError(parsed.error)}`)
}
