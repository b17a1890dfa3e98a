/** Writes scenes as COCO does: annotations/instances_SET.json, annotations/person_keypoints_SET.json, SET/*.jpg. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { encodeRuns, runsArea, runsOf } from '../../src/data/coco/rle.ts'
import { SKELETON } from '../../src/data/generate/person.ts'
import {
  boundsOf,
  drawScene,
  KEYPOINTS,
  maskOfPolygons,
  SCENE_CLASSES,
  type Scene,
  type SceneObject,
} from './scenes.ts'

export interface CocoFile {
  info: object
  licenses: object[]
  images: { id: number; file_name: string; width: number; height: number; license: number }[]
  annotations: CocoFileAnnotation[]
  categories: { id: number; name: string; supercategory: string; keypoints?: string[]; skeleton?: number[][] }[]
}

export interface CocoFileAnnotation {
  id: number
  image_id: number
  category_id: number
  bbox: number[]
  area: number
  iscrowd: 0 | 1
  segmentation: number[][] | { size: number[]; counts: number[] | string }
  keypoints?: number[]
  num_keypoints?: number
}

/** Objects of `instances`; of `person_keypoints`, which has persons alone, with their keypoints. */
export type CocoKind = 'instances' | 'person_keypoints'

/** Crowds have run lengths, as in COCO; every second one is compressed, as pycocotools writes them. */
export function cocoFile(scenes: readonly Scene[], kind: CocoKind): CocoFile {
  const annotations = scenes.flatMap((scene) =>
    scene.objects
      .filter((object) => kind === 'instances' || object.keypoints)
      .map((object, i) => annotationOf(scene, object, scene.id * 100 + i, kind)),
  )
  return {
    info: { description: 'scenes of Downpour tests', year: 2026 },
    licenses: [{ id: 1, name: 'public domain', url: '' }],
    images: scenes.map(({ id, name, width, height }) => ({ id, file_name: `${name}.jpg`, width, height, license: 1 })),
    annotations,
    categories: categoriesOf(kind),
  }
}

/** @returns paths relative to `folder` */
export async function writeCoco(
  folder: string,
  set: string,
  scenes: readonly Scene[],
): Promise<Record<CocoKind, string>> {
  const pathOf = (kind: CocoKind) => join('annotations', `${kind}_${set}.json`)
  await mkdir(join(folder, 'annotations'), { recursive: true })
  await mkdir(join(folder, set), { recursive: true })
  for (const kind of ['instances', 'person_keypoints'] as const)
    await writeFile(join(folder, pathOf(kind)), JSON.stringify(cocoFile(scenes, kind)))
  for (const scene of scenes) await writeFile(join(folder, set, `${scene.name}.jpg`), await drawScene(scene))
  return { instances: pathOf('instances'), person_keypoints: pathOf('person_keypoints') }
}

function categoriesOf(kind: CocoKind): CocoFile['categories'] {
  const all = SCENE_CLASSES.map(({ id, coco }) => ({ id, name: coco, supercategory: 'thing' }))
  if (kind === 'instances') return all.toSorted((a, b) => a.id - b.id)
  return all
    .slice(0, 1)
    .map((person) => ({ ...person, keypoints: KEYPOINTS, skeleton: SKELETON.map((pair) => [...pair]) }))
}

function annotationOf(
  { id: imageId, width, height }: Scene,
  { kind, polygons, crowd, keypoints }: SceneObject,
  id: number,
  file: CocoKind,
): CocoFileAnnotation {
  const runs = runsOf(maskOfPolygons(polygons, width, height), height, width)
  const [left, top, right, bottom] = boundsOf(polygons)
  const counts = imageId % 2 === 0 ? runs : encodeRuns(runs)
  return {
    id,
    image_id: imageId,
    category_id: SCENE_CLASSES[kind]?.id ?? 0,
    bbox: [left, top, hundredth(right - left), hundredth(bottom - top)],
    area: runsArea(runs),
    iscrowd: crowd ? 1 : 0,
    segmentation: crowd ? { size: [height, width], counts } : polygons.map((points) => [...points]),
    ...(file === 'person_keypoints' && keypoints
      ? { keypoints: [...keypoints], num_keypoints: keypoints.filter((value, i) => i % 3 === 2 && value > 0).length }
      : {}),
  }
}

function hundredth(value: number): number {
  return Math.round(value * 100) / 100
}
