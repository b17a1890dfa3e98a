import { realpath } from 'node:fs/promises'
import { normalize } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import type { DataFormatName } from '../contract/data-formats.ts'
import type { AnyDataset } from '../data/dataset.ts'
import type { FormatOptions } from '../data/format.ts'
import { openDataset } from '../data/formats.ts'
import { findSets } from '../data/inspect/find-sets.ts'
import { DownpourError } from '../support/errors.ts'

export interface SetOptions {
  /** The flag that named the folder, for messages. */
  readonly flag: '--train' | '--test'
  readonly folder: string
  /** Absent: detected. */
  readonly format?: DataFormatName | undefined
  /** Those of the format, as in spec.data. */
  readonly options?: FormatOptions
}

export interface OpenSet {
  readonly folder: string
  readonly dataset: AnyDataset
}

/** @throws DownpourError DATA_…, LABELS_…; DATA_SEVERAL_SETS: the folder contains data sets and is none itself */
export async function openSet({ flag, folder, format, options }: SetOptions): Promise<OpenSet> {
  const dataset = await openDataset(folder, {
    path: '.',
    format: format ?? (await detected(flag, folder)),
    maxCorruptRecords: 0,
    ...options,
  })
  return { folder, dataset }
}

/**
 * Duplicates within one set are not searched: every picture would be its own. Two parts of one folder, such as the
 * shards train-* and val-*, are two sets.
 * @throws DownpourError DEDUP_SAME_FOLDER
 */
export async function mustDiffer(test: OpenSet, training: readonly OpenSet[]): Promise<void> {
  const real = await realpath(test.folder)
  for (const { folder, dataset } of training) {
    if ((await realpath(folder)) !== real || !isDeepStrictEqual(filesOf(dataset), filesOf(test.dataset))) continue
    const message = `--train ${folder}: is the folder of --test with the same files, so every picture would be found as its own copy`
    throw new DownpourError('DEDUP_SAME_FOLDER', message, { folder })
  }
}

function filesOf({ paths = ['.'] }: AnyDataset): string[] {
  return paths.map((path) => normalize(path))
}

async function detected(flag: string, folder: string): Promise<DataFormatName> {
  const [first, ...others] = await findSets(folder)
  if (first && others.length === 0 && (await realpath(first.folder)) === (await realpath(folder))) return first.format
  const found = [first, ...others].map((set) => set?.folder).join(', ')
  const message = `${flag} ${folder}: contains data sets and is none itself; name one of ${found}`
  throw new DownpourError('DATA_SEVERAL_SETS', message, { folder })
}
