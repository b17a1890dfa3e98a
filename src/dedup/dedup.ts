/**
 * `downpour data dedup`: finds near-duplicates of a test set among training pictures (paper.md §1.10). The test set is
 * kept in memory as small versions, and the training pictures stream past it.
 */

import { sha256Of } from '../support/digest.ts'
import { DownpourError } from '../support/errors.ts'
import { checkListPath, checkTestId, type Duplicate, writeList } from './list.ts'
import type { Method, MethodName } from './method.ts'
import { mustDiffer, type OpenSet, openSet, type SetOptions } from './open-set.ts'
import { ProgressFile, type State } from './progress-file.ts'
import { Damage, type Picture, readPictures } from './read-pictures.ts'

export interface DedupOptions {
  readonly training: readonly SetOptions[]
  readonly test: SetOptions
  /** The list that is written. */
  readonly out: string
  readonly methods: readonly Method[]
  /** What else the result depends on, such as the digest of a checkpoint. */
  readonly key: string
  /** Damaged records that are skipped, in the test set and in the training sets. */
  readonly maxCorrupt: number
  /** How often the state is saved at most. Absent: every 5 seconds. */
  readonly saveEveryMs?: number
  readonly onProgress?: (done: number, total: number, what: 'test' | 'training') => void
  readonly signal?: AbortSignal
}

export interface DedupReport {
  readonly test: { readonly pictures: number; readonly damaged: number; readonly skipped: Record<string, number> }
  readonly training: { readonly pictures: number; readonly damaged: number }
  readonly duplicates: readonly Duplicate[]
  /** Units that an earlier, interrupted run had compared. */
  readonly continuedAfter: number
  /** Training pictures of this run only. */
  readonly picturesPerSecond: number
}

type Found = Map<number, Omit<Duplicate, 'test'>>

/** A pair that both methods find is reported with the first. */
const PREFERENCE: readonly MethodName[] = ['perceptual', 'embedding']

/** @throws DownpourError DATA_…, LABELS_…, BAD_DATA, DEDUP_…; AbortError, after which the same call continues */
export async function findDuplicates(options: DedupOptions): Promise<DedupReport> {
  await checkListPath(options.out)
  const test = await openSet(options.test)
  const training: OpenSet[] = []
  for (const set of options.training) training.push(await openSet(set))
  await mustDiffer(test, training)
  const testDamage = new Damage(options.maxCorrupt)
  const ids = await addTestSet(test, testDamage, options)
  const search = await compareAll(training, ids, options)
  const duplicates = [...search.found]
    .map(([number, source]) => ({ test: ids[number] as string, ...source }))
    .sort((a, b) => a.distance - b.distance)
  await writeList(options.out, commentsOf(test, training, ids.length, duplicates.length, options), duplicates)
  await search.file.remove()
  return {
    test: {
      pictures: ids.length,
      damaged: testDamage.count,
      skipped: Object.fromEntries(options.methods.map(({ name, skipped }) => [name, skipped])),
    },
    training: { pictures: search.pictures, damaged: search.damaged },
    duplicates,
    continuedAfter: search.continuedAfter,
    picturesPerSecond: search.picturesPerSecond,
  }
}

/** @returns the ids of the test pictures, by their number */
async function addTestSet(test: OpenSet, damage: Damage, { methods, onProgress, signal }: DedupOptions) {
  const ids: string[] = []
  const { units } = test.dataset
  for (const unit of units.keys()) {
    for await (const pictures of readPictures(test.dataset, unit, methods, damage, signal)) {
      for (const { id } of pictures) checkTestId(id, test.folder)
      for (const [i, method] of methods.entries()) method.addTest(pictures.map(({ prepared }) => prepared[i]))
      ids.push(...pictures.map(({ id }) => id))
    }
    onProgress?.(unit + 1, units.length, 'test')
  }
  if (ids.length > 0) return ids
  throw new DownpourError('DATA_EMPTY', `--test ${test.folder}: no picture can be read`, { folder: test.folder })
}

async function compareAll(training: readonly OpenSet[], ids: readonly string[], options: DedupOptions) {
  const { methods, onProgress, signal } = options
  const units = training.flatMap((set) => set.dataset.units.map((_, unit) => ({ set, unit })))
  const key = keyOf(training, ids, options)
  const file = new ProgressFile(options.out, options.saveEveryMs)
  const earlier = await file.read(key)
  const found: Found = new Map(earlier?.found.map(({ test, ...source }) => [test, source]))
  const damage = new Damage(options.maxCorrupt, earlier?.damaged)
  const continuedAfter = earlier?.unitsDone ?? 0
  let [unitsDone, pictures, damaged] = [continuedAfter, earlier?.pictures ?? 0, damage.count]
  const state = (): State => ({ key, unitsDone, pictures, damaged, found: [...found].map(stored) })
  const startMs = performance.now()
  try {
    for (const { set, unit } of units.slice(continuedAfter)) {
      const prefix = training.length > 1 ? `${set.folder}/` : ''
      // The state has whole units alone: an interrupted one is compared again, and must not count twice.
      const inUnit: Found = new Map()
      let picturesInUnit = 0
      for await (const batch of readPictures(set.dataset, unit, methods, damage, signal)) {
        picturesInUnit += batch.length
        compare(batch, prefix, methods, inUnit)
      }
      for (const [test, source] of inUnit) keepBetter(found, test, source)
      pictures += picturesInUnit
      damaged = damage.count
      unitsDone += 1
      await file.save(state)
      onProgress?.(unitsDone, units.length, 'training')
    }
  } catch (error) {
    if (signal?.aborted && unitsDone > continuedAfter) await file.saveNow(state())
    throw error
  }
  const seconds = (performance.now() - startMs) / 1000
  const picturesPerSecond = (pictures - (earlier?.pictures ?? 0)) / seconds
  return { found, pictures, damaged, continuedAfter, picturesPerSecond, file }
}

function compare(batch: readonly Picture[], prefix: string, methods: readonly Method[], found: Found): void {
  for (const [i, method] of methods.entries()) {
    const matches = method.match(batch.map(({ prepared }) => prepared[i]))
    for (const [at, { id }] of batch.entries())
      for (const { test, distance } of matches[at] ?? []) {
        keepBetter(found, test, { training: prefix + id, method: method.name, distance })
      }
  }
}

function keepBetter(found: Found, test: number, source: Omit<Duplicate, 'test'>): void {
  if (isBetter(source, found.get(test))) found.set(test, source)
}

function stored([test, source]: [number, Omit<Duplicate, 'test'>]): State['found'][number] {
  return { test, ...source }
}

function isBetter(one: Omit<Duplicate, 'test'>, other: Omit<Duplicate, 'test'> | undefined): boolean {
  if (!other) return true
  const [rank, otherRank] = [PREFERENCE.indexOf(one.method), PREFERENCE.indexOf(other.method)]
  return rank < otherRank || (rank === otherRank && one.distance < other.distance)
}

/** A search continues only where its test pictures, methods and training units are the same. */
function keyOf(training: readonly OpenSet[], ids: readonly string[], { methods, key }: DedupOptions): string {
  const sets = training.map(({ folder, dataset }) => [folder, ...dataset.units])
  return sha256Of(JSON.stringify([key, methods.map(({ name, threshold }) => [name, threshold]), sets, ids]))
}

function commentsOf(
  test: OpenSet,
  training: readonly OpenSet[],
  pictures: number,
  found: number,
  { methods }: DedupOptions,
): string[] {
  return [
    `test: ${test.folder}`,
    ...training.map(({ folder }) => `training: ${folder}`),
    ...methods.map(({ name, threshold }) => `${name}: distance at most ${threshold}`),
    `${found} of ${pictures} test pictures`,
  ]
}
