/** COCO: an annotations file (instances_*.json, person_keypoints_*.json) and a folder of pictures. A unit is a range of images. */
import { closeSync } from 'node:fs'
import { join } from 'node:path'
import type { ObjectAnnotation } from '../annotations.ts'
import { labelsOf } from '../coco/category.ts'
import { type CocoIndex, indexCocoFile } from '../coco/index-file.ts'
import { chooseAnnotationFile, findAnnotationFiles, findPictures } from '../coco/layout.ts'
import { labelsByCategory } from '../coco/object.ts'
import { openIndexed, readObjects } from '../coco/read-image.ts'
import type { DatasetOf, Item } from '../dataset.ts'
import type { DataFormat, FormatOptions } from '../format.ts'
import { objectDataset } from '../labelled-dataset.ts'
import type { Label } from '../labels.ts'
import { readSizedPicture } from '../picture-file.ts'
import { inParallel } from '../scan/in-parallel.ts'
import { inSubset } from '../subset.ts'
import { inUnits } from '../units.ts'

/** Images whose pictures are in memory at once. */
const AT_ONCE = 16

export const coco: DataFormat = {
  name: 'coco',
  contents: 'images of a COCO annotations file',
  examplesAre: 'files',
  detect: async (folder) => (await findAnnotationFiles(folder)).length > 0,
  parts: async (folder) => (await findAnnotationFiles(folder)).map((annotations) => ({ annotations })),
  open: openCoco,
}

/**
 * The id of an example is the id of its image. docs/formats/coco.md describes what counts as damage.
 * @throws DownpourError DATA_MISSING, DATA_AMBIGUOUS, DATA_UNREADABLE, JSON_INVALID, COCO_INVALID
 */
async function openCoco(root: string, options: FormatOptions): Promise<DatasetOf<'objects'>> {
  const annotations = await chooseAnnotationFile(root, options.annotations)
  const index = await indexCocoFile(join(root, annotations))
  const chosen = [...index.images.keys()].filter((i) => inSubset(idOf(index, i), options.subset))
  const folder = chosen.length > 0 ? await findPictures(root, annotations, index.images, options.images) : '.'
  const labels = labelsOf(index.categories, index.file)
  const byCategory = labelsByCategory(labels)
  const { units, counts, imagesOf } = inUnits(chosen)
  const withStrays = (count: number, unit: number) => count + (unit === 0 ? index.strays.length : 0)
  const files = {
    units,
    passedOver: [],
    itemCounts: counts.map(withStrays),
    ids: (unit: number) => imagesOf(unit).map((image) => idOf(index, image)),
    paths: [annotations, folder],
    async *read(unit: number, isWanted: (id: string) => boolean = () => true) {
      if (unit === 0) yield* strays(index)
      const descriptor = await openIndexed(index)
      try {
        const images = imagesOf(unit).filter((image) => isWanted(idOf(index, image)))
        for (let i = 0; i < images.length; i += AT_ONCE) {
          const together = images.slice(i, i + AT_ONCE)
          yield* await inParallel(together, (image) =>
            readImage(descriptor, index, image, join(root, folder), byCategory),
          )
        }
      } finally {
        closeSync(descriptor)
      }
    },
  }
  return objectDataset(files, labels, root)
}

function idOf({ images }: CocoIndex, image: number): string {
  return String(images[image]?.id)
}

/** Annotations without an image are damage of the first unit, so that they count once. */
function* strays({ file, strays }: CocoIndex): Generator<Item<ObjectAnnotation>> {
  for (const text of strays) yield { type: 'corrupt', ...splitPlace(text, file) }
}

async function readImage(
  descriptor: number,
  index: CocoIndex,
  image: number,
  folder: string,
  labels: ReadonlyMap<number, Label>,
): Promise<Item<ObjectAnnotation>> {
  const { id, fileName, width, height } = index.images[image] as CocoIndex['images'][number]
  const { objects, problems } = readObjects(descriptor, index, image, labels)
  const [problem, ...more] = problems
  if (problem !== undefined) {
    const { where, reason } = splitPlace(problem, index.file)
    const others = more.length > 0 ? `, and ${more.length} more of its annotations` : ''
    return { type: 'corrupt', where, reason: `${reason} (image ${id}${others})` }
  }
  const picture = await readSizedPicture(folder, fileName, { width, height })
  if (picture.type === 'corrupt') return { ...picture, reason: `image ${id}: ${picture.reason}` }
  const { bytes, where } = picture
  return { type: 'example', id: String(id), fileName, bytes, annotation: { width, height, objects }, where }
}

/** `FILE: annotations[3] (id 7): area: missing` as the place up to the record, and the rest. */
function splitPlace(text: string, file: string): { where: string; reason: string } {
  const end = text.indexOf(': ', file.length + 2)
  return { where: text.slice(0, end), reason: text.slice(end + 2) }
}
