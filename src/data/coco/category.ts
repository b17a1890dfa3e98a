/** The categories of a COCO file. Their ids may have gaps: COCO numbers 80 of them from 1 to 90. */
import { createLabelMap, type Label, type LabelMap } from '../labels.ts'
import type { CocoRecord } from './fields.ts'

export interface Category {
  readonly id: number
  readonly name: string
  /** Names of the keypoints of an object, and the pairs that a drawing connects, numbered from 1. */
  readonly keypoints?: readonly string[]
  readonly skeleton?: readonly (readonly [number, number])[]
}

/** @throws DownpourError COCO_INVALID */
export function categoryOf(record: CocoRecord): Category {
  const keypoints = record.has('keypoints') ? namesOf(record) : undefined
  return {
    id: record.id('id'),
    name: record.text('name'),
    ...(keypoints ? { keypoints } : {}),
    ...(keypoints && record.has('skeleton') ? { skeleton: pairsOf(record, keypoints.length) } : {}),
  }
}

/** Labels 0, 1, 2, … in the order of the ids. */
export function labelsOf(categories: readonly Category[], file: string): LabelMap {
  const sorted = [...categories].sort((a, b) => a.id - b.id)
  const labels = sorted.map(
    ({ id, name, keypoints, skeleton }, i): Label => ({
      id: i,
      name,
      parents: [],
      categoryId: id,
      ...(keypoints ? { keypoints: [...keypoints] } : {}),
      ...(skeleton ? { skeleton: skeleton.map(([from, to]) => [from, to]) } : {}),
    }),
  )
  return createLabelMap(labels, file)
}

function namesOf(record: CocoRecord): string[] {
  const value = record.value('keypoints')
  const isRight = Array.isArray(value) && value.every((name) => typeof name === 'string')
  return isRight ? value : record.fail('keypoints', 'a list of names')
}

function pairsOf(record: CocoRecord, keypoints: number): [number, number][] {
  const value = record.value('skeleton')
  const isKeypoint = (one: unknown) => Number.isInteger(one) && (one as number) >= 1 && (one as number) <= keypoints
  const isPair = (pair: unknown) => Array.isArray(pair) && pair.length === 2 && pair.every(isKeypoint)
  const isRight = Array.isArray(value) && value.every(isPair)
  return isRight ? value : record.fail('skeleton', `pairs of numbers from 1 to ${keypoints}`)
}
