/** Encoded examples from either format, behind one face: units to lease, examples of a unit, the label map. */
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Class } from '../contract/classes.ts'
import type { DataConfig } from '../contract/runtime.ts'
import { DownpourError } from '../support/errors.ts'
import { openFolder } from './formats/imagenet-folder.ts'
import { openRecords } from './formats/tfrecord.ts'
import { mapOntoJob } from './job-classes.ts'
import type { LabelMap } from './labels.ts'
import { type PassedOver, passedOverText } from './scan/kinds.ts'
import { isMissing, unreadable } from './unreadable.ts'

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
  /** Where classes are given: those of the job, and `close` takes ids as stored here. */
  readonly labels: LabelMap
  /** Names of the units, sorted: the same on every worker. */
  readonly units: readonly string[]
  /** What lies there and is not read. */
  readonly passedOver: readonly PassedOver[]
  /** Examples of the subset, and damage, in the files' order. @throws DownpourError DATA_UNREADABLE */
  read(unit: number): AsyncGenerator<SourceItem>
}

const NOTHING = { tfrecord: 'tfrecord files', 'imagenet-folder': 'class folders with pictures' }

/**
 * @param folder the mounted folder that `config.path` is relative to
 * @param classes of the job; absent: the labels keep the numbers that they have in the folder
 * @throws DownpourError DATA_…, LABELS_INVALID, LABEL_UNKNOWN, CLASS_UNKNOWN, HIERARCHY_DIFFERS; Node's error when the
 * disk fails
 */
export async function openSource(folder: string, config: DataConfig, classes?: readonly Class[]): Promise<DataSource> {
  const source = await openOwn(folder, config)
  return classes ? { ...source, labels: mapOntoJob(source.labels, classes, join(folder, config.path)) } : source
}

async function openOwn(folder: string, config: DataConfig): Promise<DataSource> {
  const root = join(folder, config.path)
  await mustExist(root)
  const source = config.format === 'tfrecord' ? await openRecords(root, config) : await openFolder(root, config)
  if (source.units.length > 0) return source
  const named = config.files === undefined ? '' : ` named ${config.files}`
  const subset = config.subset ? ` in the subset of ${config.subset.fraction}` : ''
  const instead = source.passedOver.map(passedOverText).join('; ')
  const message = `${root}: no ${NOTHING[config.format]}${named} here${subset}${instead && `; passed over: ${instead}`}`
  throw new DownpourError('DATA_EMPTY', message, { root, format: config.format })
}

async function mustExist(root: string): Promise<void> {
  const found = await stat(root).catch((error) => {
    if (!isMissing(error)) throw unreadable(root, error)
  })
  if (found?.isDirectory()) return
  throw new DownpourError(
    'DATA_MISSING',
    `${root}: no such folder; put the data there, or make some: downpour data make jft-mini --out DIR`,
    { root },
  )
}
