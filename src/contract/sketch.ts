/** What a report draws over an example's picture: its ground truth or a prediction, as plain data. */

/** Labels are indices into the labels that the task's scorer gets. */
export type Sketch =
  | { readonly type: 'classes'; readonly classes: readonly SketchedClass[] }
  | { readonly type: 'objects'; readonly objects: readonly SketchedObject[] }
  | SketchedMask

/** Most probable first. */
export interface SketchedClass {
  readonly label: number
  /** Of a prediction: 0 to 1. */
  readonly score?: number
}

/** In pixels of the picture file, as annotations have them (ObjectAnnotation of src/data), not of the network's input. */
export interface SketchedObject {
  readonly label: number
  /** Left, top, width, height. */
  readonly box: readonly [x: number, y: number, width: number, height: number]
  /** Of a prediction: 0 to 1. */
  readonly score?: number
  readonly crowd?: boolean
  readonly difficult?: boolean
  /** x, y and visibility of each keypoint; visibility 0 is not drawn, 1 as a hidden one, 2 as a visible one. */
  readonly keypoints?: readonly number[]
}

/** It is stretched over the whole picture, so it may have fewer pixels than the file. */
export interface SketchedMask {
  readonly type: 'mask'
  readonly width: number
  readonly height: number
  /** Row by row; 255 is void. */
  readonly classes: Uint8Array
}

/** One sample of a picture. A report draws all samples of a picture together, such as the persons of a pose task. */
export interface Sketches {
  /** How good the prediction is; higher is better, and undefined is not ranked: a picture without objects. */
  readonly score: number | undefined
  readonly truth: Sketch
  readonly prediction: Sketch
}
