/** Draws the objects of a picture: boxes with the names of their classes, masks, and skeletons of keypoints. */
import type { OverlayOptions } from 'sharp'
import type { AnnotatedObject, Segmentation } from '../annotations.ts'
import { maskOf } from '../coco/rle.ts'
import {
  coloured,
  colourOf,
  type DrawnLabel,
  type DrawnLabels,
  drawing,
  escaped,
  fitOf,
  fitted,
  type PictureSize,
  type Rgb,
  tag,
} from './drawing.ts'

const MASK_ALPHA = 100
const [VISIBLE, HIDDEN] = [2, 1]

/** An annotated object, or one that a model has found. */
export interface DrawnObject
  extends Pick<AnnotatedObject, 'box' | 'label'>,
    Partial<Pick<AnnotatedObject, 'crowd' | 'difficult' | 'segmentation' | 'keypoints'>> {
  /** Of a prediction: 0 to 1. */
  readonly score?: number
}

/** @returns RGB, size·size·3: the picture without the rotation by EXIF, as annotations mean it, on white */
export async function drawObjects(
  encoded: Uint8Array,
  picture: PictureSize & { readonly objects: readonly DrawnObject[] },
  { labels }: DrawnLabels,
  size: number,
): Promise<Uint8Array> {
  const { objects } = picture
  const fit = fitOf(picture, size)
  const { scale, width, height } = fit
  const masks: OverlayOptions[] = []
  for (const { segmentation, label } of objects) {
    if (segmentation?.type === 'rle') masks.push(await runLengthOverlay(segmentation, colourOf(label), width, height))
  }
  const shapes = objects.flatMap((object) => objectShapes(object, labels[object.label], scale))
  // Names are above everything else, so that each can be read.
  const names = objects.flatMap((object) => nameOf(object, labels[object.label], scale, width))
  return fitted(encoded, fit, [...masks, drawing([...shapes, ...names], width, height)])
}

function runLengthOverlay(
  { counts, height, width }: Extract<Segmentation, { type: 'rle' }>,
  colour: Rgb,
  toWidth: number,
  toHeight: number,
): Promise<OverlayOptions> {
  const mask = maskOf(counts, height, width)
  return coloured(width, height, (i) => (mask[i] ? [...colour, MASK_ALPHA] : undefined), toWidth, toHeight)
}

/** The mask is below the box. A box of a crowd is dashed, that of a difficult object dotted. */
function objectShapes(object: DrawnObject, label: DrawnLabel | undefined, scale: number): string[] {
  const colour = `rgb(${colourOf(object.label).join()})`
  const [x, y, w, h] = object.box.map((value) => value * scale) as [number, number, number, number]
  const dashes = object.crowd ? '8 4' : object.difficult ? '2 3' : 'none'
  const polygons = object.segmentation?.type === 'polygons' ? object.segmentation.polygons : []
  return [
    ...polygons.map(
      (points) =>
        `<polygon points="${points.map((value) => (value * scale).toFixed(1)).join(' ')}" fill="${colour}" fill-opacity="0.4" stroke="${colour}"/>`,
    ),
    `<rect x="${x}" y="${y}" width="${w}" height="${h}" fill="none" stroke="${colour}" stroke-width="2" stroke-dasharray="${dashes}"/>`,
    ...skeletonShapes(object.keypoints ?? [], label?.skeleton ?? [], scale),
  ]
}

function nameOf(object: DrawnObject, label: DrawnLabel | undefined, scale: number, width: number): string[] {
  const score = object.score === undefined ? '' : ` ${object.score.toFixed(2)}`
  const note = object.crowd ? ' (crowd)' : object.difficult ? ' (difficult)' : score
  const [x, y] = object.box
  const text = escaped(`${label?.name ?? object.label}${note}`)
  return tag(text, `rgb(${colourOf(object.label).join()})`, x * scale, y * scale, width)
}

/** Bones between labelled keypoints; a hidden keypoint is a ring. */
function skeletonShapes(
  keypoints: readonly number[],
  skeleton: readonly (readonly [number, number])[],
  scale: number,
): string[] {
  const points = Array.from({ length: keypoints.length / 3 }, (_, i) => ({
    x: (keypoints[3 * i] as number) * scale,
    y: (keypoints[3 * i + 1] as number) * scale,
    visibility: keypoints[3 * i + 2] as number,
  }))
  const bones = skeleton.flatMap(([from, to]) => {
    const [a, b] = [points[from - 1], points[to - 1]]
    if (!a || !b || a.visibility < HIDDEN || b.visibility < HIDDEN) return []
    return [`<line x1="${a.x}" y1="${a.y}" x2="${b.x}" y2="${b.y}" stroke="#fff200" stroke-width="2"/>`]
  })
  const dots = points.flatMap(({ x, y, visibility }) =>
    visibility < HIDDEN
      ? []
      : [
          `<circle cx="${x}" cy="${y}" r="2.5" stroke="#d00000" stroke-width="1.5" fill="${visibility === VISIBLE ? '#d00000' : '#ffffff'}"/>`,
        ],
  )
  return [...bones, ...dots]
}
