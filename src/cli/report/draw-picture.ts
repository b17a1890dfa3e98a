/** Draws ground truth and prediction of one picture, side by side, with the drawings of `data inspect`. */
import type { PicturesRecord, StoredPicture, StoredSketch } from '../../contract/pictures.ts'
import { drawPlainMask, legendOf } from '../../data/inspect/draw-mask.ts'
import { type DrawnObject, drawObjects } from '../../data/inspect/draw-objects.ts'
import { type DrawnLabel, dataUri, type PictureSize, sizeOfPicture } from '../../data/inspect/drawing.ts'
import { type Mask, readMask } from '../../data/voc/mask.ts'

/** Boxes of a detector with lower scores are many, and hide the picture. Metrics count them. Poses are one a person. */
const MIN_DRAWN_SCORE = 0.3
const SIDE_PIXELS = 256
/** Names are below the picture, so it may be smaller. */
const CLASS_SIDE_PIXELS = 160

export interface DrawnPicture {
  readonly rank: StoredPicture['rank']
  readonly id: string
  readonly score: number
  /** Ground truth, then prediction. */
  readonly drawings: readonly Drawing[]
}

export interface Drawing {
  readonly caption: string
  /** Of the square that the picture is in. */
  readonly side: number
  /** A compressed picture as a data URI. */
  readonly uri: string
  /** Of a mask: its classes with their colours in CSS. */
  readonly legend?: readonly { readonly name: string; readonly colour: string }[]
}

type Labels = Readonly<Record<number, DrawnLabel | undefined>>

export async function drawPicture(
  encoded: Uint8Array,
  { rank, id, score, samples }: StoredPicture,
  named: PicturesRecord['labels'],
): Promise<DrawnPicture> {
  const labels: Labels = Object.fromEntries(named.map((label) => [label.id, label]))
  const picture = { encoded, size: await sizeOfPicture(encoded), labels }
  const truths = samples.map(({ truth }) => truth)
  const predictions = samples.map(({ prediction }) => prediction)
  const drawings = truths.some(({ type }) => type === 'classes')
    ? [await draw(picture, [], `${wordsOf(truths, labels)}; predicted: ${wordsOf(predictions, labels)}`)]
    : [await draw(picture, truths, 'ground truth'), await draw(picture, predictions, 'prediction')]
  return { rank, id, score, drawings }
}

interface Picture {
  readonly encoded: Uint8Array
  readonly size: PictureSize
  readonly labels: Labels
}

/** @param sketches none: the plain picture */
async function draw(picture: Picture, sketches: readonly StoredSketch[], caption: string): Promise<Drawing> {
  const mask = sketches.find((sketch) => sketch.type === 'mask')
  if (mask) return drawnMask(picture, readMask(Buffer.from(mask.png, 'base64'), 'mask'), caption)
  const { encoded, size } = picture
  const side = sketches.length === 0 ? CLASS_SIDE_PIXELS : SIDE_PIXELS
  const objects = sketches.flatMap((sketch): DrawnObject[] => (sketch.type === 'objects' ? sketch.objects : []))
  const shown = objects.filter(({ score = 1, keypoints }) => keypoints || score >= MIN_DRAWN_SCORE)
  const hidden = objects.length - shown.length
  return {
    caption: hidden === 0 ? caption : `${caption}; ${hidden} below ${MIN_DRAWN_SCORE} not drawn`,
    side,
    uri: await dataUri(await drawObjects(encoded, { ...size, objects: shown }, picture, side), side),
  }
}

async function drawnMask({ encoded, size, labels }: Picture, mask: Mask, caption: string): Promise<Drawing> {
  const rgb = await drawPlainMask(encoded, mask, size, SIDE_PIXELS)
  return { caption, side: SIDE_PIXELS, uri: await dataUri(rgb, SIDE_PIXELS), legend: legendOf(mask, { labels }) }
}

/** @example 'cat 93%, dog 4%' */
function wordsOf(sketches: readonly StoredSketch[], labels: Labels): string {
  const classes = sketches.flatMap((sketch) => (sketch.type === 'classes' ? sketch.classes : []))
  const words = classes.map(({ label, score }) => {
    const share = score === undefined ? '' : ` ${Math.round(100 * score)}%`
    return `${labels[label]?.name ?? label}${share}`
  })
  return words.join(', ') || 'no class'
}
