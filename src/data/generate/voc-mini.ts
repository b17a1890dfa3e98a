/** `downpour data make voc-mini`: the objects of coco-mini in the files of PASCAL VOC, with masks of classes. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { VOID } from '../../scores/mean-iou.ts'
import type { Label } from '../labels.ts'
import { encodePaletteMask } from '../voc/mask.ts'
import { OBJECT_CLASSES } from './object-classes.ts'
import { type Making, makePictures, type SetSizes } from './pictures.ts'
import { boundsOf } from './place.ts'
import { makeScene, paintScene, polygonsOf, SCENE_PIXELS, type SceneObject } from './scene.ts'

const BACKGROUND = 'background'
const SET_FOLDERS = ['Main', 'Segmentation']
const FOLDERS = ['Annotations', 'JPEGImages', 'SegmentationClass', ...SET_FOLDERS.map((kind) => `ImageSets/${kind}`)]
/** Names of images begin with the year of their set in VOC. */
const YEAR = { train: 2012, val: 2007 }

/** Left, top, right, bottom as VOC counts them: from 1, and the last pixel belongs to the box. */
type VocBox = readonly [xmin: number, ymin: number, xmax: number, ymax: number]

interface Annotated {
  readonly name: string
  readonly objects: readonly SceneObject[]
}

/** @returns the facts of dataset.json. @throws AbortError */
export async function makeVocMini(making: Making, { trainImages, valImages }: SetSizes): Promise<object> {
  await Promise.all(FOLDERS.map((folder) => mkdir(join(making.folder, folder), { recursive: true })))
  const labels = [BACKGROUND, ...OBJECT_CLASSES.map((_, kind) => nameOf(kind))]
  const file = labels.map((name, id): Label => ({ id, name, parents: [] }))
  await writeFile(join(making.folder, 'labels.json'), `${JSON.stringify(file, null, 1)}\n`)
  await makeSet(making, 'train', trainImages)
  await makeSet(making, 'val', valImages)
  return { classes: OBJECT_CLASSES.length, pixels: SCENE_PIXELS }
}

async function makeSet(making: Making, set: 'train' | 'val', count: number): Promise<void> {
  const inside = (...path: string[]) => join(making.folder, ...path)
  const images = await makePictures(making, { set: `voc-mini ${set}`, count }, async (index, random) => {
    const name = `${YEAR[set]}_${String(index + 1).padStart(6, '0')}`
    const objects = makeScene(random, { crowds: false })
    const { jpeg, owners } = await paintScene(objects, random)
    await writeFile(inside('JPEGImages', `${name}.jpg`), jpeg)
    await writeFile(inside('Annotations', `${name}.xml`), annotationXml(name, objects))
    await writeFile(inside('SegmentationClass', `${name}.png`), maskPng(owners, objects))
    return { name, objects }
  })
  const names = images.map(({ name }) => `${name}\n`).join('')
  for (const kind of SET_FOLDERS) await writeFile(inside('ImageSets', kind, `${set}.txt`), names)
  for (const kind of OBJECT_CLASSES.keys())
    await writeFile(
      inside('ImageSets', 'Main', `${nameOf(kind)}_${set}.txt`),
      images.map((image) => presenceLine(image, kind)).join(''),
    )
}

/** VOC's names have no blanks: files of image sets contain them. */
function nameOf(kind: number): string {
  return OBJECT_CLASSES[kind]?.name.replaceAll(' ', '-') ?? BACKGROUND
}

/** Small objects, as VOC's annotators marked objects that are hard to recognise. */
function isDifficult({ size }: SceneObject): boolean {
  return size === 'small'
}

/** 1: the class is in the image; 0: difficult objects of it alone; -1: none. */
function presenceLine({ name, objects }: Annotated, kind: number): string {
  const found = objects.filter((object) => object.kind === kind)
  const presence = found.length === 0 ? -1 : Number(!found.every(isDifficult))
  return `${name} ${String(presence).padStart(2)}\n`
}

function annotationXml(name: string, objects: readonly SceneObject[]): string {
  const size = `<width>${SCENE_PIXELS}</width><height>${SCENE_PIXELS}</height><depth>3</depth>`
  return `<annotation>
\t<folder>voc-mini</folder>
\t<filename>${name}.jpg</filename>
\t<size>${size}</size>
\t<segmented>1</segmented>
${objects.map(objectXml).join('')}</annotation>
`
}

function objectXml(object: SceneObject): string {
  const [xmin, ymin, xmax, ymax] = vocBox(object)
  return `\t<object>
\t\t<name>${nameOf(object.kind)}</name>
\t\t<pose>Unspecified</pose>
\t\t<truncated>${Number(object.isCut)}</truncated>
\t\t<difficult>${Number(isDifficult(object))}</difficult>
\t\t<bndbox><xmin>${xmin}</xmin><ymin>${ymin}</ymin><xmax>${xmax}</xmax><ymax>${ymax}</ymax></bndbox>
\t</object>
`
}

function vocBox(object: SceneObject): VocBox {
  const [left, top, right, bottom] = boundsOf(polygonsOf(object))
  return [Math.floor(left) + 1, Math.floor(top) + 1, Math.ceil(right), Math.ceil(bottom)]
}

/** Borders between objects and background are void, and so are difficult objects. */
function maskPng(owners: Int16Array, objects: readonly SceneObject[]): Uint8Array {
  const maskValue = (object: SceneObject | undefined) => {
    if (!object) return 0
    return isDifficult(object) ? VOID : object.kind + 1
  }
  const values = [...objects, undefined].map(maskValue)
  const classOf = (owner: number) => values.at(owner) as number
  const classes = Uint8Array.from(owners, (owner, i) => (isAtBorder(owners, i) ? VOID : classOf(owner)))
  return encodePaletteMask({ width: SCENE_PIXELS, height: SCENE_PIXELS, classes })
}

/** Whether a pixel beside this one, in a square of 3·3, belongs to another object. */
function isAtBorder(owners: Int16Array, pixel: number): boolean {
  const [x, y] = [pixel % SCENE_PIXELS, Math.floor(pixel / SCENE_PIXELS)]
  for (let row = Math.max(0, y - 1); row <= Math.min(SCENE_PIXELS - 1, y + 1); row++)
    for (let column = Math.max(0, x - 1); column <= Math.min(SCENE_PIXELS - 1, x + 1); column++)
      if (owners[row * SCENE_PIXELS + column] !== owners[pixel]) return true
  return false
}
