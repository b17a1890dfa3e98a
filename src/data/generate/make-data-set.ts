/** Makes a data set of any kind in a new folder: the same seed and sizes give the same bytes. */

import { DownpourError } from '../../support/errors.ts'
import { someNames } from '../label-names.ts'
import type { DataKind, DataPlan } from './data-kind.ts'
import { DATA_KINDS } from './kinds.ts'
import { makeNewFolder } from './new-folder.ts'

const FORMAT_VERSION = 2

export interface DataOptions {
  /** Must be empty or not exist. */
  readonly out: string
  readonly seed: number
  /** Those that are absent are the standard ones of the kind. */
  readonly sizes?: Readonly<Record<string, number>>
  readonly onProgress?: ((done: number, total: number) => void) | undefined
  readonly signal?: AbortSignal | undefined
}

/**
 * @throws DownpourError DATA_KIND_UNKNOWN, DATA_SIZE_UNKNOWN, DATA_OUT_NOT_EMPTY, DATA_OUT_UNUSABLE; AbortError, after
 * deleting the unfinished data set
 */
export async function makeDataSet(name: string, { out, seed, sizes = {}, ...options }: DataOptions): Promise<void> {
  const kind = findKind(name)
  const plan = planOf(kind, sizes)
  let done = 0
  const onPicture = () => options.onProgress?.(++done, plan.pictures)
  await makeNewFolder(out, async (folder) => {
    const facts = await plan.make({ folder, seed, onPicture, signal: options.signal })
    return { name, formatVersion: FORMAT_VERSION, seed, ...plan.sizes, ...facts }
  })
}

/** @throws DownpourError DATA_KIND_UNKNOWN with the known ones */
export function findKind(name: string): DataKind {
  const kind = DATA_KINDS.find((one) => one.name === name)
  if (kind) return kind
  const message = `${name}: expected ${someNames(DATA_KINDS.map((one) => one.name))}`
  throw new DownpourError('DATA_KIND_UNKNOWN', message)
}

/** The name of a size as an option and in an annotation. */
export function optionName(size: string): string {
  return size.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
}

/** The size that `optionName` names. */
export function sizeName(option: string): string {
  return option.replaceAll(/-([a-z])/g, (_, letter: string) => letter.toUpperCase())
}

/** @throws DownpourError DATA_SIZE_UNKNOWN, DATA_SIZE_INVALID */
export function planOf(kind: DataKind, sizes: Readonly<Record<string, number>>): DataPlan {
  const unknown = Object.keys(sizes).find((size) => !(size in kind.sizes))
  const zero = Object.keys(sizes).find((size) => !((sizes[size] as number) > 0))
  if (zero !== undefined) throw new DownpourError('DATA_SIZE_INVALID', `${optionName(zero)}: expected 1 or more`)
  if (unknown === undefined) return kind.withSizes(sizes)
  const own = Object.keys(kind.sizes).map(optionName).join(', ')
  const message = `${optionName(unknown)}: ${kind.name} has no such size; it has ${own}`
  throw new DownpourError('DATA_SIZE_UNKNOWN', message)
}
