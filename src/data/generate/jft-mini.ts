/**
 * `downpour data make jft-mini`: a small stand-in for JFT-300M (paper.md §1.1) that anyone may have. Long-tailed leaf
 * frequencies, 1.26 labels an image, 20% wrong labels (half of them to siblings), ancestors mostly missing; beside it
 * a clean evaluation set, and a clean downstream classification set of classes that pre-training never saw.
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
  /** Must not exist, or be empty. */
  out: string
  seed: number
  onProgress?: (done: number, total: number) => void
  signal?: AbortSignal
}

const FACTS = 'dataset.json'
const USE: FolderUse = { option: '--out', code: 'DATA_OUT_UNUSABLE' }
const MAKING = '.making'

/**
 * Leaves nothing half-made: a new folder appears whole, at the end. One that is there is filled, since a volume's root
 * cannot be replaced; its `dataset.json` comes last.
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
    await rm(building, { recursive: true, force: true }).catch(() => {}) // the first error is the one to tell
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

/** False where nothing is. An empty folder is to be filled; anything else stays as it is. */
async function isFolder(out: string): Promise<boolean> {
  try {
    const entries = await readdir(out)
    // What a file system or a run that was killed left there is no data.
    if (entries.every((name) => isSystem(name) || name === MAKING)) return true
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return false
    throw folderError(out, USE, error)
  }
  const message = `--out ${out}: is not empty; name a new folder, or remove this one first`
  throw new DownpourError('DATA_OUT_NOT_EMPTY', message, { out })
}
