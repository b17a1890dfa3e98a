/** Encoded examples from either format, behind one face: units to lease, examples of a unit, the label map. */
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { DataConfig } from '../contract/runtime.ts'
import { DownpourError } from '../support/errors.ts'
import { openFolder } from './folder-source.ts'
import type { LabelMap } from './labels.ts'
import { isMissing } from './missing.ts'
import { openRecords } from './record-source.ts'

export interface EncodedExample {
  id: string
  encoded: Uint8Array
  /** As stored; not closed yet. */
  labels: number[]
  /** For messages: file, and byte offset in a record file. */
  where: string
  /** What a generated picture really shows, where the record says so. Nothing trains on it. */
  truth?: number[]
}

export type SourceItem =
  | { type: 'example'; example: EncodedExample }
  | { type: 'corrupt'; where: string; reason: string }

export interface DataSource {
  readonly labels: LabelMap
  /** Names of the units, sorted: the same on every worker. */
  readonly units: readonly string[]
  /** Examples of the subset, and damage, in the files' order. @throws DownpourError DATA_UNREADABLE */
  read(unit: number): AsyncGenerator<SourceItem>
}

/**
 * @param folder the mounted folder that `config.path` is relative to
 * @throws DownpourError DATA_MISSING, DATA_EMPTY, LABELS_INVALID, LABEL_UNKNOWN; Node's error when the disk fails
 */
export async function openSource(folder: string, config: DataConfig): Promise<DataSource> {
  const root = join(folder, config.path)
  await mustExist(root)
  const source = config.format === 'tfrecord' ? await openRecords(root, config) : await openFolder(root, config)
  if (source.units.length > 0) return source
  const subset = config.subset ? ` in the subset of ${config.subset.fraction}` : ''
  throw new DownpourError('DATA_EMPTY', `${root}: no ${config.format} files here${subset}`, {
    root,
    format: config.format,
  })
}

async function mustExist(root: string): Promise<void> {
  const found = await stat(root).catch((error) => {
    if (!isMissing(error)) throw error
  })
  if (found?.isDirectory()) return
  throw new DownpourError(
    'DATA_MISSING',
    `${root}: no such folder; put the data there, or make some: downpour data make jft-mini --out DIR`,
    { root },
  )
}
