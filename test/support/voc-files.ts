/** Writes scenes as VOC does: Annotations, ImageSets, JPEGImages, SegmentationClass with VOC's palette. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { crc32, deflateSync } from 'node:zlib'
import { VOC_CLASSES } from '../../src/data/voc/folder.ts'
import { vocColour } from '../../src/data/voc/palette.ts'
import { VOID } from '../../src/scores/mean-iou.ts'
import { boundsOf, drawScene, maskOfPolygons, SCENE_CLASSES, type Scene, type SceneObject } from './scenes.ts'

/** ImageSets/Main/SET.txt and ImageSets/Segmentation/SET.txt name all scenes. Crowds are difficult objects here. */
export async function writeVoc(folder: string, set: string, scenes: readonly Scene[]): Promise<void> {
  for (const inside of ['Annotations', 'ImageSets/Main', 'ImageSets/Segmentation', 'JPEGImages', 'SegmentationClass'])
    await mkdir(join(folder, inside), { recursive: true })
  const names = scenes.map(({ name }) => `${name}\n`).join('')
  for (const kind of ['Main', 'Segmentation']) await writeFile(join(folder, 'ImageSets', kind, `${set}.txt`), names)
  for (const [i, { voc }] of SCENE_CLASSES.entries())
    await writeFile(
      join(folder, 'ImageSets/Main', `${voc}_${set}.txt`),
      scenes.map((scene) => presence(scene, i)).join(''),
    )
  for (const scene of scenes) {
    await writeFile(join(folder, 'Annotations', `${scene.name}.xml`), vocXml(scene))
    await writeFile(join(folder, 'JPEGImages', `${scene.name}.jpg`), await drawScene(scene))
    const { width, height } = scene
    await writeFile(join(folder, 'SegmentationClass', `${scene.name}.png`), palettePng(classMask(scene), width, height))
  }
}

export function vocXml({ name, width, height, objects }: Scene): string {
  const size = `<size>\n\t\t<width>${width}</width>\n\t\t<height>${height}</height>\n\t\t<depth>3</depth>\n\t</size>`
  const source = '<source>\n\t\t<database>scenes</database>\n\t</source>'
  return `<annotation>\n\t<folder>VOC</folder>\n\t<filename>${name}.jpg</filename>\n\t${source}\n\t${size}\n\t<segmented>1</segmented>\n${objects.map(objectXml).join('')}</annotation>\n`
}

/** The class of each pixel, of the object in front; the outermost pixels of an object are void. */
export function classMask({ width, height, objects }: Scene): Uint8Array {
  const classes = new Uint8Array(width * height)
  for (const { kind, polygons } of objects) {
    const mask = maskOfPolygons(polygons, width, height)
    const index = VOC_CLASSES.indexOf(SCENE_CLASSES[kind]?.voc ?? 'person') + 1
    const isEdge = (i: number) => [i - 1, i + 1, i - width, i + width].some((beside) => mask[beside] === 0)
    for (let i = 0; i < mask.length; i++) if (mask[i]) classes[i] = isEdge(i) ? VOID : index
  }
  return classes
}

/** A PNG of 8 bits with a palette. @param colours default: VOC's 256 */
export function palettePng(
  indices: Uint8Array,
  width: number,
  height: number,
  colours: readonly (readonly number[])[] = Array.from({ length: 256 }, (_, index) => vocColour(index)),
): Buffer {
  const rows = Array.from({ length: height }, (_, y) => [0, ...indices.subarray(y * width, (y + 1) * width)])
  const header = Buffer.alloc(13)
  header.writeUInt32BE(width, 0)
  header.writeUInt32BE(height, 4)
  header.set([8, 3, 0, 0, 0], 8)
  return Buffer.concat([
    Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
    chunk('IHDR', header),
    chunk('PLTE', Buffer.from(colours.flat())),
    chunk('IDAT', deflateSync(Buffer.from(rows.flat()))),
    chunk('IEND', Buffer.alloc(0)),
  ])
}

function chunk(type: string, data: Buffer): Buffer {
  const typed = Buffer.concat([Buffer.from(type, 'latin1'), data])
  const framed = Buffer.alloc(typed.length + 8)
  framed.writeUInt32BE(data.length, 0)
  framed.set(typed, 4)
  framed.writeUInt32BE(crc32(typed), typed.length + 4)
  return framed
}

function objectXml({ kind, polygons, difficult, crowd, truncated }: SceneObject): string {
  const [left, top, right, bottom] = boundsOf(polygons)
  const box = { xmin: Math.floor(left) + 1, ymin: Math.floor(top) + 1, xmax: Math.ceil(right), ymax: Math.ceil(bottom) }
  const fields = Object.entries(box).map(([field, value]) => `\t\t\t<${field}>${value}</${field}>\n`)
  const flags = `\t\t<truncated>${Number(truncated)}</truncated>\n\t\t<difficult>${Number(difficult || crowd)}</difficult>\n`
  return `\t<object>\n\t\t<name>${SCENE_CLASSES[kind]?.voc}</name>\n\t\t<pose>Unspecified</pose>\n${flags}\t\t<bndbox>\n${fields.join('')}\t\t</bndbox>\n\t</object>\n`
}

/** 1: the class is in the scene; 0: difficult objects alone; -1: not in it. */
function presence({ name, objects }: Scene, kind: number): string {
  const found = objects.filter((object) => object.kind === kind)
  const isClear = found.some(({ difficult, crowd }) => !difficult && !crowd)
  return `${name} ${(isClear ? '1' : found.length > 0 ? '0' : '-1').padStart(2)}\n`
}
