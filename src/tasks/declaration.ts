/** What every program may know of a task: no tensor, no picture, so that the operator loads neither. */
import { z } from 'zod'
import type { DataFormatName } from '../contract/data-formats.ts'
import type { MetricSpec } from '../contract/metrics.ts'
import type { JobKind } from '../contract/names.ts'
import { DownpourError } from '../support/errors.ts'

export interface TaskDeclaration {
  readonly type: string
  readonly kinds: readonly JobKind[]
  /** What shapes the weights: it cannot change. An option `classes` is the number of classes that the data must have. */
  readonly options: z.ZodObject
  /** What an example is turned into, with a default for each field; it can change while the job is suspended. */
  readonly input: z.ZodObject
  /** Formats of data sets that carry what the task learns. */
  readonly formats: readonly DataFormatName[]
  /** The first is the headline of a job, and what keepBest goes by. */
  readonly metrics: readonly [MetricSpec, ...MetricSpec[]]
}

/** @throws DownpourError CONFIG_INVALID */
export function parseFields<F extends z.ZodObject>(fields: F, given: unknown): z.output<F> {
  const parsed = fields.safeParse(given)
  if (parsed.success) return parsed.data
  throw new DownpourError('CONFIG_INVALID', `task: ${z.prettifyError(parsed.error)}`)
}
