/** Generates the data sets that claims request by annotation, before the jobs start. Existing data is not changed. */
import { access } from 'node:fs/promises'
import { join } from 'node:path'
import { ANNOTATIONS } from '../../contract/names.ts'
import { DownpourError } from '../../support/errors.ts'
import { countProgress } from '../count-progress.ts'
import type { Manifest } from '../manifests.ts'
import { duration, type ProgressView } from '../progress.ts'

const ORDER = /^jft-mini(?: seed=(\d{1,9}))?$/

/** @throws DownpourError ANNOTATION_INVALID; AbortError, after deleting an unfinished data set */
export async function makeOrderedData(
  manifests: readonly Manifest[],
  view: Pick<ProgressView, 'say'>,
  signal: AbortSignal,
): Promise<void> {
  for (const { file, object } of manifests) {
    const order = object.metadata.annotations?.[ANNOTATIONS.localMake]
    if (order === undefined) continue
    const folder = object.metadata.annotations?.[ANNOTATIONS.localPath]
    const match = ORDER.exec(order)
    if (!match || !folder) {
      const message = `${file}: ${object.metadata.name}: annotation ${ANNOTATIONS.localMake}: "${order}": expected "jft-mini seed=N", and a folder in ${ANNOTATIONS.localPath}`
      throw new DownpourError('ANNOTATION_INVALID', message, { file, order })
    }
    await makeOnce(folder, Number(match[1] ?? 0), view, signal)
  }
}

async function makeOnce(
  folder: string,
  seed: number,
  view: Pick<ProgressView, 'say'>,
  signal: AbortSignal,
): Promise<void> {
  const isThere = await access(join(folder, 'dataset.json')).then(
    () => true,
    () => false,
  )
  if (isThere) return
  view.say(`generating the data set jft-mini (seed ${seed}) in ${folder} ...`)
  const startedMs = performance.now()
  const progress = countProgress(process.stdout, 'pictures')
  const { makeJftMini } = await import('../../data/generate/jft-mini.ts')
  try {
    await makeJftMini({ out: folder, seed, signal, onProgress: progress.show })
  } finally {
    progress.end()
  }
  view.say(`generated in ${duration((performance.now() - startedMs) / 1000)}`)
}
