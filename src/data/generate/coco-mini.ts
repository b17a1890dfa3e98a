/** `downpour data make coco-mini`: objects of ten classes with boxes, polygons and crowds, in the files of COCO. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { cocoObject, imageOf, writeAnnotations } from './coco-file.ts'
import { OBJECT_CLASSES } from './object-classes.ts'
import { type Making, makePictures, type SetSizes } from './pictures.ts'
import { makeScene, paintScene, polygonsOf, SCENE_PIXELS, type SceneObject } from './scene.ts'

/** @returns the facts of dataset.json. @throws AbortError */
export async function makeCocoMini(making: Making, { trainImages, valImages }: SetSizes): Promise<object> {
  await makeSet(making, 'train', trainImages)
  await makeSet(making, 'val', valImages)
  return { classes: OBJECT_CLASSES.length, pixels: SCENE_PIXELS }
}

/** The ids have gaps, as those of COCO: 2, 3, 4, 7, 8, 9, 12, … */
export function categoryIdOf(kind: number): number {
  return 2 + kind + 2 * Math.floor(kind / 3)
}

async function makeSet(making: Making, set: 'train' | 'val', count: number): Promise<void> {
  const [annotations, pictures] = [join(making.folder, 'annotations'), join(making.folder, 'images', set)]
  await Promise.all([annotations, pictures].map((folder) => mkdir(folder, { recursive: true })))
  const images = await makePictures(making, { set: `coco-mini ${set}`, count }, async (index, random) => {
    const image = imageOf(set, index)
    const objects = makeScene(random, { crowds: true })
    await writeFile(join(pictures, image.file_name), (await paintScene(objects, random)).jpeg)
    return { image, objects: objects.map((object, i) => annotationOf(object, i, image.id)) }
  })
  await writeAnnotations(join(annotations, `instances_${set}.json`), {
    images: images.map(({ image }) => image),
    annotations: images.flatMap(({ objects }) => objects),
    categories: OBJECT_CLASSES.map(({ name, shape }, kind) => ({ id: categoryIdOf(kind), name, supercategory: shape })),
  })
}

function annotationOf(object: SceneObject, index: number, imageId: number): object {
  const categoryId = categoryIdOf(object.kind)
  return cocoObject(polygonsOf(object), { index, imageId, categoryId, isCrowd: object.size === 'crowd' })
}
