/** Counts the objects of a data set, and what scoring and converters treat in a special way. */
import type { AnnotatedObject, ObjectAnnotation } from '../annotations.ts'
import type { LabelMap } from '../labels.ts'

export interface ObjectTotals {
  images: number
  imagesWithoutObjects: number
  objects: number
  crowds: number
  difficult: number
  truncated: number
  withPolygons: number
  withRunLengths: number
  /** Objects with at least one labelled keypoint, and all labelled keypoints. */
  withKeypoints: number
  keypoints: number
  /** Boxes that reach beyond their picture, and those without width or height: they are read as they are. */
  beyondPicture: number
  withoutArea: number
}

export class ObjectCount {
  readonly totals: ObjectTotals = {
    images: 0,
    imagesWithoutObjects: 0,
    objects: 0,
    crowds: 0,
    difficult: 0,
    truncated: 0,
    withPolygons: 0,
    withRunLengths: 0,
    withKeypoints: 0,
    keypoints: 0,
    beyondPicture: 0,
    withoutArea: 0,
  }
  /** Objects of each label. */
  readonly perLabel: number[]

  constructor(labels: LabelMap) {
    this.perLabel = new Array<number>(labels.size).fill(0)
  }

  /** @returns a label that is not in the map; nothing is counted then */
  add(annotation: ObjectAnnotation): number | undefined {
    const { objects } = annotation
    const unknown = objects.find(({ label }) => !(label in this.perLabel))
    if (unknown) return unknown.label
    this.totals.images++
    if (objects.length === 0) this.totals.imagesWithoutObjects++
    for (const object of objects) this.#add(object, annotation)
  }

  #add(object: AnnotatedObject, { width, height }: ObjectAnnotation): void {
    const { box, label, crowd, difficult, truncated, segmentation, keypoints = [] } = object
    const [x, y, w, h] = box
    const labelled = keypoints.filter((value, i) => i % 3 === 2 && value > 0).length
    const isBeyond = x < 0 || y < 0 || x + w > width || y + h > height
    const found: Partial<ObjectTotals> = {
      objects: 1,
      crowds: Number(crowd),
      difficult: Number(difficult),
      truncated: Number(truncated ?? false),
      withPolygons: Number(segmentation?.type === 'polygons'),
      withRunLengths: Number(segmentation?.type === 'rle'),
      withKeypoints: Number(labelled > 0),
      keypoints: labelled,
      beyondPicture: Number(isBeyond),
      withoutArea: Number(w === 0 || h === 0),
    }
    for (const [key, count] of Object.entries(found)) this.totals[key as keyof ObjectTotals] += count
    this.perLabel[label] = (this.perLabel[label] as number) + 1
  }
}
