/**
 * Which examples of an evaluation set are scored (`maxExamples`), and which of these are left out of the reduced scores
 * (`exclude`). Both need one pass over all ids when the set is opened; without either there is none.
 */
import type { Dataset } from '../data/dataset.ts'
import type { CorruptionCount } from '../input/corruption-count.ts'
import { DownpourError } from '../support/errors.ts'
import type { Log } from '../support/log.ts'
import { printable } from '../support/printable.ts'
import { type Sample, Sampler } from './sampler.ts'

export interface Selection {
  /** Examples to score; undefined: all. */
  readonly sample: Sample | undefined
  /** Ids that the reduced scores leave out; undefined: there are no reduced scores. */
  readonly excluded: ReadonlySet<string> | undefined
  /** Images to score; undefined: nothing has counted them. */
  readonly examples: number | undefined
}

export interface SelectionOptions {
  dataset: Dataset<unknown>
  maxExamples: number | undefined
  seed: number
  excluded: ReadonlySet<string> | undefined
  corruption: CorruptionCount
  signal: AbortSignal
  log: Log
}

const NAMED_IDS = 5

/** @throws DownpourError DATA_EXCLUDE_UNKNOWN, DATA_EXCLUDE_ALL, DATA_UNREADABLE, BAD_DATA; AbortError */
export async function selectExamples(options: SelectionOptions): Promise<Selection> {
  const { maxExamples, seed, excluded, log } = options
  if (maxExamples === undefined && excluded === undefined)
    return { sample: undefined, excluded, examples: countOf(options.dataset) }
  const sampler = maxExamples === undefined ? undefined : new Sampler(maxExamples, seed)
  const unknown = new Set(excluded)
  let examples = 0
  let lowest: { hash: number; id: string } | undefined
  for await (const id of idsOf(options)) {
    examples++
    sampler?.add(id)
    unknown.delete(id)
    if (excluded?.has(id)) continue
    const hash = sampler?.hashOf(id) ?? 0
    if (!lowest || hash < lowest.hash) lowest = { hash, id }
  }
  const sample = sampler?.finish()
  reportUnknown(unknown, options)
  if (examples > 0 && excluded && !(lowest && (sample?.mayHave(lowest.id) ?? true))) throw excludesAll(examples, sample)
  const scored = Math.min(examples, maxExamples ?? examples)
  log.info({ examples, scored, excluded: excluded?.size ?? 0 }, 'evaluation set listed')
  return { sample, excluded, examples: scored }
}

/** Undefined for a format that must read its files to know. */
function countOf({ itemCounts }: Dataset<unknown>): number | undefined {
  return itemCounts?.reduce((sum, count) => sum + count, 0)
}

/** In the order in which scoring reads them. */
async function* idsOf({ dataset, corruption, signal }: SelectionOptions): AsyncGenerator<string> {
  for (const unit of dataset.units.keys()) {
    signal.throwIfAborted()
    if (dataset.ids) yield* dataset.ids(unit)
    else
      for await (const item of dataset.read(unit)) {
        if (item.type === 'example') yield item.id
        else corruption.add(item.where, item.reason)
      }
  }
}

/** An id that is not in the set may be of an image outside of `subset`. If all are, the list belongs to another set. */
function reportUnknown(unknown: ReadonlySet<string>, { excluded, log }: SelectionOptions): void {
  if (!excluded || unknown.size === 0) return
  const first = [...unknown].slice(0, NAMED_IDS).map((id) => `"${printable(id)}"`)
  if (unknown.size < excluded.size)
    return log.warn({ unknown: unknown.size, listed: excluded.size, first }, 'excluded ids are not in the set')
  const message = `none of its ${excluded.size} ids is in the evaluation set, e.g. ${first.join(', ')}; is the list of another set?`
  throw new DownpourError('DATA_EXCLUDE_UNKNOWN', message, { listed: excluded.size })
}

function excludesAll(examples: number, sample: Sample | undefined): DownpourError {
  const what = sample ? 'all images of the sample (maxExamples)' : `all ${examples} images of the evaluation set`
  return new DownpourError('DATA_EXCLUDE_ALL', `lists ${what}, so there is nothing to score without them`, { examples })
}

/** The examples of the sample. Its units must be read once, in order, because ids may repeat. */
export function sampled(dataset: Dataset<unknown>, { sample }: Selection): Dataset<unknown> {
  if (!sample) return dataset
  const isChosen = sample.pass()
  return {
    ...dataset,
    async *read(unit) {
      for await (const item of dataset.read(unit, sample.mayHave))
        if (item.type === 'corrupt' || isChosen(item.id)) yield item
    },
  }
}
