/** Objects and detections as columns: row i of each array is one object or detection. */

export interface Columns {
  readonly count: number
  readonly images: Float64Array
  readonly categories: Float64Array
  /** x, y, width, height of each row, in pixels from the top left corner. */
  readonly boxes: Float64Array
  /** Square pixels. */
  readonly areas: Float64Array
  /** x, y, visibility of each keypoint of each row. Absent where boxes are scored. */
  readonly keypoints?: Float64Array
}

/** The objects that are really in the images. */
export interface Truths extends Columns {
  readonly ids: Float64Array
  /** 1: a region of many objects that were not told apart. */
  readonly crowds: Uint8Array
  /** 1: finding the object is neither right nor wrong. */
  readonly ignored: Uint8Array
}

export interface Detections extends Columns {
  readonly scores: Float64Array
}
