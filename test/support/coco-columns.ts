/** Columns of COCO objects and detections, written as rows. */
import type { Detections, Truths } from '../../src/scores/coco/annotations.ts'

interface Row {
  image: number
  category: number
  box: readonly [x: number, y: number, width: number, height: number]
  keypoints?: readonly number[]
}

export interface TruthRow extends Row {
  /** The row's number, from 1, when absent. */
  id?: number
  area: number
  crowd?: boolean
  /** As well as crowds. */
  isIgnored?: boolean
}

export interface DetectionRow extends Row {
  score: number
}

export function truthColumns(rows: readonly TruthRow[]): Truths {
  return {
    ...columns(rows),
    ids: Float64Array.from(rows, ({ id }, i) => id ?? i + 1),
    areas: Float64Array.from(rows, ({ area }) => area),
    crowds: Uint8Array.from(rows, ({ crowd }) => (crowd ? 1 : 0)),
    ignored: Uint8Array.from(rows, ({ crowd, isIgnored }) => (crowd || isIgnored ? 1 : 0)),
  }
}

/** Areas are those of the boxes. */
export function detectionColumns(rows: readonly DetectionRow[]): Detections {
  return {
    ...columns(rows),
    areas: Float64Array.from(rows, ({ box: [, , width, height] }) => width * height),
    scores: Float64Array.from(rows, ({ score }) => score),
  }
}

function columns(rows: readonly Row[]) {
  return {
    count: rows.length,
    images: Float64Array.from(rows, ({ image }) => image),
    categories: Float64Array.from(rows, ({ category }) => category),
    boxes: Float64Array.from(rows.flatMap(({ box }) => [...box])),
    keypoints: Float64Array.from(rows.flatMap(({ keypoints = [] }) => [...keypoints])),
  }
}
