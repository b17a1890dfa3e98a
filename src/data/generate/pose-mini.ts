/** `downpour data make pose-mini`: persons with COCO's 17 keypoints, in the files of COCO. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { cocoObject, imageOf, writeAnnotations } from './coco-file.ts'
import { PARTS, SKELETON } from './person.ts'
import { type Making, makePictures, type SetSizes } from './pictures.ts'
import { type Figure, makePoseScene, paintPoses, polygonsOfFigure } from './pose-scene.ts'
import { SCENE_PIXELS } from './scene.ts'

const PERSON = {
  id: 1,
  name: 'person',
  supercategory: 'person',
  keypoints: PARTS.map(({ name }) => name),
  skeleton: SKELETON,
}

/** @returns the facts of dataset.json. @throws AbortError */
export async function makePoseMini(making: Making, { trainImages, valImages }: SetSizes): Promise<object> {
  await makeSet(making, 'train', trainImages)
  await makeSet(making, 'val', valImages)
  return { keypoints: PARTS.length, pixels: SCENE_PIXELS }
}

async function makeSet(making: Making, set: 'train' | 'val', count: number): Promise<void> {
  const [annotations, pictures] = [join(making.folder, 'annotations'), join(making.folder, 'images', set)]
  await Promise.all([annotations, pictures].map((folder) => mkdir(folder, { recursive: true })))
  const images = await makePictures(making, { set: `pose-mini ${set}`, count }, async (index, random) => {
    const image = imageOf(set, index)
    const figures = makePoseScene(random)
    const { jpeg, visibility } = await paintPoses(figures, random)
    await writeFile(join(pictures, image.file_name), jpeg)
    return { image, persons: figures.map((figure, i) => personOf(figure, visibility[i] ?? [], i, image.id)) }
  })
  await writeAnnotations(join(annotations, `person_keypoints_${set}.json`), {
    images: images.map(({ image }) => image),
    annotations: images.flatMap(({ persons }) => persons),
    categories: [PERSON],
  })
}

/** Keypoints without a label are 0, 0, 0, as in COCO. */
function personOf(figure: Figure, visibility: readonly number[], index: number, imageId: number): object {
  const object = { index, imageId, categoryId: PERSON.id, isCrowd: figure.length > 1 }
  const parts = figure[0]?.parts ?? []
  const keypoints = parts.flatMap(({ x, y }, i) => {
    const seen = visibility[i] ?? 0
    return seen === 0 ? [0, 0, 0] : [Math.floor(x), Math.floor(y), seen]
  })
  const labelled = visibility.filter((seen) => seen > 0).length
  return { ...cocoObject(polygonsOfFigure(figure), object), num_keypoints: labelled, keypoints }
}
