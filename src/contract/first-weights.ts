/** Where the first weights of a job came from. Parameter server 0 reports it, each checkpoint stores it, the status shows it. */
import { z } from 'zod'

/** Ancestors of a job that are remembered; more distant ones are left out. */
export const MAX_LINEAGE = 16
/** Names of variables that a report gives as examples. */
export const MAX_NAMES = 4

const count = z.int().min(0)
const text = z.string().max(1024)

const Variables = z.object({
  variables: count.describe('Number of variables.'),
  values: count.describe('Number of values in all of them.'),
  names: z.array(text).max(MAX_NAMES).describe('A few of their names.'),
})

/** Each variable of the model is in `loaded` or in `new`; each one of the source is in `loaded` or in `skipped`. */
export const InitReport = z.object({
  loaded: Variables.describe('Variables that the job has copied from the checkpoint.'),
  skipped: Variables.describe('Variables of the checkpoint that the job does not use, such as its last layer.'),
  new: Variables.describe('Variables with newly drawn values, such as the last layer of another task.'),
})
export type InitReport = z.output<typeof InitReport>

export const Ancestor = z.object({
  kind: text.describe('PretrainJob or FinetuneJob; Import: a file that `downpour checkpoint import` has read.'),
  name: text.describe('Name of the job or of the file.'),
  step: count.describe('Global step of its checkpoint.'),
  digest: text.describe('sha256 of the manifest of its checkpoint.'),
})
export type Ancestor = z.output<typeof Ancestor>

export const Lineage = z.array(Ancestor).max(MAX_LINEAGE)

/** @example 'PretrainJob/jft step 36000000 < PretrainJob/imagenet step 5000000'; 'random weights' for no ancestor */
export function lineageText(lineage: readonly Ancestor[] = []): string {
  const ancestors = lineage.map(({ kind, name, step }) => `${kind}/${name} step ${step}`)
  return ancestors.join(' < ') || 'random weights'
}
