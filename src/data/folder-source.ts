/** ImageNet folders: root/CLASS/IMAGE (paper.md §5). A unit is a run of images of all classes. */
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { DataConfig } from '../contract/runtime.ts'
import { DownpourError, errorMessage } from '../support/errors.ts'
import { seedOf } from '../support/random.ts'
import { flatLabels, type LabelMap, readLabels } from './labels.ts'
import { isMissing } from './missing.ts'
import type { DataSource, SourceItem } from './source.ts'
import { inSubset } from './subset.ts'

const IMAGES_PER_UNIT = 256
const IMAGE = /\.(jpe?g|png)$/i

interface ImageFile {
  /** CLASS/IMAGE: names repeat between classes. */
  id: string
  label: number
}

/**
 * Without a labels file the alphabetical order of the class folders is their index; with one, a folder is the label of
 * its name, so that a set that lacks some classes still counts them alike.
 * @throws DownpourError LABELS_INVALID, LABEL_UNKNOWN for a folder that is no label
 */
export async function openFolder(root: string, config: DataConfig): Promise<DataSource> {
  const classes = await foldersOf(root)
  const labels = config.labels ? await readLabels(join(root, config.labels)) : flatLabels(classes)
  const indexOf = folderIndex(labels, root)
  const images = (await Promise.all(classes.map((name) => imagesOf(root, name, indexOf(name))))).flat()
  const chosen = spreadClasses(images.filter(({ id }) => inSubset(id, config.subset)))
  return {
    labels,
    units: Array.from({ length: Math.ceil(chosen.length / IMAGES_PER_UNIT) }, (_, i) => `images-${i}`),
    async *read(unit) {
      for (const image of chosen.slice(unit * IMAGES_PER_UNIT, (unit + 1) * IMAGES_PER_UNIT)) {
        yield await readImage(root, image)
      }
    },
  }
}

async function foldersOf(root: string): Promise<string[]> {
  const entries = await readdir(root, { withFileTypes: true })
  return entries
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
    .sort()
}

function folderIndex({ labels }: LabelMap, root: string): (folder: string) => number {
  const ids = new Map(labels.map(({ id, name }) => [name, id]))
  return (folder) => {
    const id = ids.get(folder)
    if (id !== undefined) return id
    throw new DownpourError('LABEL_UNKNOWN', `${join(root, folder)}: the labels file has no label of that name`, {
      folder,
    })
  }
}

async function imagesOf(root: string, folder: string, label: number): Promise<ImageFile[]> {
  const names = (await readdir(join(root, folder))).filter((name) => IMAGE.test(name)).sort()
  return names.map((name) => ({ id: `${folder}/${name}`, label }))
}

/** A unit should hold all classes: images go by the hash of their name, the same on every worker. */
function spreadClasses(images: readonly ImageFile[]): ImageFile[] {
  return images
    .map((image) => ({ image, rank: seedOf('spread', image.id) }))
    .sort((a, b) => a.rank - b.rank)
    .map(({ image }) => image)
}

async function readImage(root: string, { id, label }: ImageFile): Promise<SourceItem> {
  const where = join(root, id)
  try {
    return { type: 'example', example: { id, encoded: await readFile(where), labels: [label], where } }
  } catch (error) {
    if (!isMissing(error)) throw error
    return { type: 'corrupt', where, reason: `cannot be read: ${errorMessage(error)}` }
  }
}
