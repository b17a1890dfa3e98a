/**
 * `downpour data make jft-mini`: a small public data set with the statistics of JFT-300M (paper.md §1.1): long-tailed
 * frequencies, 1.26 labels an image, 20% wrong labels (half of them siblings), most ancestors missing. Beside it a
 * clean evaluation set, and a clean downstream classification set of classes that are not in pre-training.
 */
import { mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { DownpourError, errorCode } from '../../support/errors.ts'
import { checkFolderPath, type FolderUse, folderError, requireFolder } from '../../support/folder.ts'
import { isSystem } from '../scan/names.ts'
import { cleanLabels, noisyLabels } from './annotators.ts'
import { Maker } from './maker.ts'
import { JFT_MINI, JFT_MINI_SIZES, type JftMiniSizes } from './recipe.ts'
import { worldLabels } from './world.ts'

export interface JftMiniOptions extends Partial<JftMiniSizes> {
  /** Must be empty or not exist. */
  out: string
  seed: number
  onProgress?: (done: number, total: number) => void
  signal?: AbortSignal
}

const FACTS = 'dataset.json'
const USE: FolderUse = { option: '--out', code: 'DATA_OUT_UNUSABLE' }
const MAKING = '.making'

/**
 * Leaves no partial data set: a new folder is renamed into place at the end. An existing one is filled, because the
 * root of a volume cannot be replaced, and `dataset.json` is written last.
 * @throws DownpourError DATA_OUT_NOT_EMPTY, DATA_OUT_UNUSABLE; AbortError
 */
export async function makeJftMini(options: JftMiniOptions): Promise<void> {
  checkFolderPath(options.out, USE)
  const out = resolve(options.out)
  const isThere = await isFolder(out)
  const building = isThere ? join(out, MAKING) : `${out}${MAKING}`
  try {
    requireFolder(dirname(building), { ...USE, shown: options.out })
    await rm(building, { recursive: true, force: true })
    await mkdir(building)
    await makeParts(building, options)
    if (isThere) await moveParts(building, out)
    else await rename(building, out)
  } catch (error) {
    await rm(building, { recursive: true, force: true }).catch(() => {}) // the first error is the one to report
    throw folderError(options.out, USE, error)
  }
}

async function makeParts(root: string, { seed, onProgress, signal, ...given }: JftMiniOptions): Promise<void> {
  const sizes = sizesOf(given)
  const labels = worldLabels()
  const perClass = sizes.downstreamTrainPerClass + sizes.downstreamValPerClass
  const total = sizes.images + sizes.evaluationImages + perClass * JFT_MINI.downstreamClasses
  let done = 0
  const maker = new Maker({ root, seed, labels, signal, onPicture: () => onProgress?.(++done, total) })
  await maker.records('pretrain', sizes.images, noisyLabels)
  await maker.records('evaluation', sizes.evaluationImages, cleanLabels)
  await maker.classes('train', sizes.downstreamTrainPerClass)
  await maker.classes('val', sizes.downstreamValPerClass)
  const facts = { name: 'jft-mini', formatVersion: 1, seed, ...sizes, classes: labels.size, ...JFT_MINI }
  await writeFile(join(root, FACTS), `${JSON.stringify(facts, null, 2)}\n`)
}

function sizesOf(given: Partial<JftMiniSizes>): JftMiniSizes {
  return {
    images: given.images ?? JFT_MINI_SIZES.images,
    evaluationImages: given.evaluationImages ?? JFT_MINI_SIZES.evaluationImages,
    downstreamTrainPerClass: given.downstreamTrainPerClass ?? JFT_MINI_SIZES.downstreamTrainPerClass,
    downstreamValPerClass: given.downstreamValPerClass ?? JFT_MINI_SIZES.downstreamValPerClass,
  }
}

async function moveParts(from: string, to: string): Promise<void> {
  const parts = (await readdir(from)).filter((name) => name !== FACTS)
  for (const name of [...parts, FACTS]) await rename(join(from, name), join(to, name))
  await rm(from, { recursive: true })
}

/**
 * False if nothing is at the path.
 * @throws DownpourError DATA_OUT_NOT_EMPTY, so that existing files are never changed
 */
async function isFolder(out: string): Promise<boolean> {
  try {
    const entries = await readdir(out)
    // Leftovers of a file system or of a killed run are not data.
    if (entries.every((name) => isSystem(name) || name === MAKING)) return true
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return false
    throw folderError(out, USE, error)
  }
  const message = `--out ${out}: is not empty; choose a new folder, or remove this one first`
  throw new DownpourError('DATA_OUT_NOT_EMPTY', message, { out })
}
