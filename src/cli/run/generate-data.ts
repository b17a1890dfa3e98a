/** Generates the data sets that claims request by annotation, before the jobs start. Existing data is not changed. */
import { access } from 'node:fs/promises'
import { join } from 'node:path'
import { ANNOTATIONS } from '../../contract/names.ts'
import { DownpourError } from '../../support/errors.ts'
import { countProgress } from '../count-progress.ts'
import type { Manifest } from '../manifests.ts'
import { duration, type ProgressView } from '../progress.ts'

const REQUEST = /^jft-mini(?: seed=(\d{1,9}))?$/

/** @throws DownpourError ANNOTATION_INVALID; AbortError, after deleting an unfinished data set */
export async function generateRequestedData(
  manifests: readonly Manifest[],
  view: Pick<ProgressView, 'print'>,
  signal: AbortSignal,
): Promise<void> {
  for (const { file, object } of manifests) {
    const request = object.metadata.annotations?.[ANNOTATIONS.localMake]
    if (request === undefined) continue
    const folder = object.metadata.annotations?.[ANNOTATIONS.localPath]
    const match = REQUEST.exec(request)
    if (!match || !folder) {
      const message = `${file}: ${object.metadata.name}: annotation ${ANNOTATIONS.localMake}: "${request}": expected "jft-mini seed=N", and a folder in ${ANNOTATIONS.localPath}`
      throw new DownpourError('ANNOTATION_INVALID', message, { file, request })
    }
    await generateOnce(folder, Number(match[1] ?? 0), view, signal)
  }
}

async function generateOnce(
  folder: string,
  seed: number,
  view: Pick<ProgressView, 'print'>,
  signal: AbortSignal,
): Promise<void> {
  const exists = await access(join(folder, 'dataset.json')).then(
    () => true,
    () => false,
  )
  if (exists) return
  view.print(`generating the data set jft-mini (seed ${seed}) in ${folder} ...`)
  const startedMs = performance.now()
  const progress = countProgress(process.stdout, 'pictures')
  const { makeJftMini } = await import('../../data/generate/jft-mini.ts')
  try {
    await makeJftMini({ out: folder, seed, signal, onProgress: progress.show })
  } finally {
    progress.end()
  }
  view.print(`generated in ${duration((performance.now() - startedMs) / 1000)}`)
}
