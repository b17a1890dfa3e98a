/** What is annotated in a picture besides its classes: objects (COCO, VOC detection, keypoints) and masks of classes. */

/**
 * Pixels of the picture file as it is stored, without a rotation that its EXIF data asks for: x to the right, y down, 0
 * at the left and upper edge.
 */
export interface ObjectAnnotation {
  readonly width: number
  readonly height: number
  readonly objects: readonly AnnotatedObject[]
}

export interface AnnotatedObject {
  /** Left, top, width, height. */
  readonly box: readonly [x: number, y: number, width: number, height: number]
  /** Index into the labels of the data set: 0, 1, 2, … even if the ids of the official categories have gaps. */
  readonly label: number
  /** COCO's iscrowd: the box encloses many objects. */
  readonly crowd: boolean
  /** VOC's difficult: scoring ignores the object. */
  readonly difficult: boolean
  /** VOC's truncated: the object is larger than its box. Absent where a format does not say. */
  readonly truncated?: boolean
  /** Pixels of the object's mask, or of its box if it has no mask. */
  readonly area: number
  readonly segmentation?: Segmentation
  /** x, y and visibility of each keypoint; visibility 0: not labelled, 1: hidden, 2: visible. */
  readonly keypoints?: readonly number[]
}

/** polygons: x, y, x, y, … of each part. rle: runs of 0 and 1 by turns, down the columns, as COCO stores them. */
export type Segmentation =
  | { readonly type: 'polygons'; readonly polygons: readonly (readonly number[])[] }
  | { readonly type: 'rle'; readonly height: number; readonly width: number; readonly counts: readonly number[] }

/** The class of each pixel; 255 is void. */
export interface MaskAnnotation {
  readonly width: number
  readonly height: number
  /** A PNG whose values are class indices. */
  readonly png: Uint8Array
}
