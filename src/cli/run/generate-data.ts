/** Generates the data sets that claims request by annotation, before the jobs start. Existing data is not changed. */
import { access } from 'node:fs/promises'
import { join } from 'node:path'
import { ANNOTATIONS } from '../../contract/names.ts'
import { findKind, makeDataSet, planOf, sizeName } from '../../data/generate/make-data-set.ts'
import { FACTS_FILE } from '../../data/generate/new-folder.ts'
import { DownpourError, errorMessage } from '../../support/errors.ts'
import { countProgress } from '../count-progress.ts'
import type { Manifest } from '../manifests.ts'
import { duration, type ProgressView } from '../progress.ts'

/** `jft-mini seed=0 images=4000`: a kind, then its seed and sizes. */
const FIELD = /^([a-z-]+)=(\d{1,9})$/

interface Request {
  readonly kind: string
  readonly seed: number
  readonly sizes: Readonly<Record<string, number>>
}

/** @throws DownpourError ANNOTATION_INVALID; AbortError, after deleting an unfinished data set */
export async function generateRequestedData(
  manifests: readonly Manifest[],
  view: Pick<ProgressView, 'print'>,
  signal: AbortSignal,
): Promise<void> {
  for (const { file, object } of manifests) {
    const text = object.metadata.annotations?.[ANNOTATIONS.localMake]
    if (text === undefined) continue
    const folder = object.metadata.annotations?.[ANNOTATIONS.localPath]
    const place = `${file}: ${object.metadata.name}: annotation ${ANNOTATIONS.localMake}: "${text}"`
    if (!folder) throw invalid(place, `expected the folder to make it in, in ${ANNOTATIONS.localPath}`)
    await generateOnce(folder, parseRequest(text, place), view, signal)
  }
}

/** @throws DownpourError ANNOTATION_INVALID */
function parseRequest(text: string, place: string): Request {
  const [kind = '', ...fields] = text.split(' ')
  const values: Record<string, number> = Object.create(null)
  for (const field of fields) {
    const [, name = '', value] = FIELD.exec(field) ?? []
    if (value === undefined) throw invalid(place, `"${field}": expected NAME=NUMBER, such as seed=0`)
    if (sizeName(name) in values) throw invalid(place, `${name} stands there twice`)
    values[sizeName(name)] = Number(value)
  }
  const { seed = 0, ...sizes } = values
  try {
    planOf(findKind(kind), sizes)
  } catch (error) {
    throw invalid(place, errorMessage(error))
  }
  return { kind, seed, sizes }
}

async function generateOnce(
  folder: string,
  { kind, seed, sizes }: Request,
  view: Pick<ProgressView, 'print'>,
  signal: AbortSignal,
): Promise<void> {
  const exists = await access(join(folder, FACTS_FILE)).then(
    () => true,
    () => false,
  )
  if (exists) return
  view.print(`generating the data set ${kind} (seed ${seed}) in ${folder} ...`)
  const startedMs = performance.now()
  const progress = countProgress(process.stdout, 'pictures')
  try {
    await makeDataSet(kind, { out: folder, seed, sizes, signal, onProgress: progress.show })
  } finally {
    progress.end()
  }
  view.print(`generated in ${duration((performance.now() - startedMs) / 1000)}`)
}

function invalid(place: string, problem: string): DownpourError {
  return new DownpourError('ANNOTATION_INVALID', `${place}: ${problem}`)
}
