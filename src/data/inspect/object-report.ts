/** The counts of objects and masks, as lines of text and as JSON. */
import { printable } from '../../support/printable.ts'
import type { LabelMap } from '../labels.ts'
import type { MaskCount } from './mask-count.ts'
import type { ObjectCount, ObjectTotals } from './object-count.ts'

const BAR = 30
/** COCO has 80 classes; more than these are in the JSON alone. */
const SHOWN = 100

/** Counts that are 0 in most data sets are shown only where they are not. */
const RARE: readonly [keyof ObjectTotals, string][] = [
  ['crowds', 'crowds'],
  ['difficult', 'difficult'],
  ['truncated', 'truncated'],
  ['withPolygons', 'with polygons'],
  ['withRunLengths', 'with run lengths'],
  ['withKeypoints', 'with keypoints'],
  ['beyondPicture', 'with boxes that reach beyond their picture'],
  ['withoutArea', 'with boxes without width or height'],
]

export function objectLines({ totals, perLabel }: ObjectCount, labels: LabelMap): string[] {
  const { images, imagesWithoutObjects, objects, keypoints } = totals
  const rare = RARE.filter(([key]) => totals[key] > 0).map(([key, what]) => `  ${totals[key]} ${what}`)
  return [
    `images: ${images}, ${imagesWithoutObjects} without an object`,
    `objects: ${objects}, ${(objects / Math.max(1, images)).toFixed(2)} per image`,
    ...rare,
    ...(keypoints > 0 ? [`keypoints: ${keypoints} labelled`] : []),
    ...classLines('objects by class:', perLabel, labels),
  ]
}

export function maskLines({ images, pixels, voidPixels }: MaskCount, labels: LabelMap): string[] {
  const all = pixels.reduce((sum, count) => sum + count, voidPixels)
  const share = ((100 * voidPixels) / Math.max(1, all)).toFixed(1)
  return [
    `images: ${images}`,
    `pixels: ${all}, ${voidPixels} of them void (${share}%)`,
    ...classLines('pixels by class:', pixels, labels),
  ]
}

export function objectJson({ totals, perLabel }: ObjectCount, labels: LabelMap): object {
  return { objects: totals, classes: labels.labels.map((label) => ({ ...named(label), objects: perLabel[label.id] })) }
}

export function maskJson({ images, pixels, voidPixels, imagesWith }: MaskCount, labels: LabelMap): object {
  const classes = labels.labels.map((label) => ({
    ...named(label),
    pixels: pixels[label.id],
    images: imagesWith[label.id],
  }))
  return { masks: { images, voidPixels }, classes }
}

function named({ id, name, categoryId }: LabelMap['labels'][number]) {
  return { id, name, categoryId }
}

/** Classes with their counts, the largest first, and then those that have none. */
function classLines(title: string, counts: readonly number[], { labels }: LabelMap): string[] {
  const ranked = labels.map(({ id, name }) => ({ name: printable(name), count: counts[id] as number }))
  const seen = ranked.filter(({ count }) => count > 0).sort((a, b) => b.count - a.count)
  const most = seen[0]?.count ?? 1
  const never = ranked.filter(({ count }) => count === 0).map(({ name }) => name)
  const line = ({ name, count }: (typeof seen)[number]) =>
    `  ${String(count).padStart(10)}  ${'#'.repeat(Math.ceil((BAR * count) / most)).padEnd(BAR)}  ${name}`
  return [
    title,
    ...seen.slice(0, SHOWN).map(line),
    ...(seen.length > SHOWN ? [`  and ${seen.length - SHOWN} more classes`] : []),
    ...(never.length > 0 ? [`without any: ${never.length} of ${labels.length} classes: ${some(never)}`] : []),
  ]
}

function some(names: readonly string[]): string {
  const more = names.length - SHOWN
  return `${names.slice(0, SHOWN).join(', ')}${more > 0 ? `, and ${more} more` : ''}`
}
