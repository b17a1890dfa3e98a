/** Builds each task on a small backbone, with targets and predictions for two images. */
import type { TaskType } from '../../../src/tasks/declarations.ts'
import { createTask } from '../../../src/tasks/registry.ts'
import type { Task } from '../../../src/tasks/task.ts'
import { makeConfig } from '../ps/fixtures.ts'
import { found, object, targetOf } from './detection/builders.ts'

export interface TaskCase {
  options: Record<string, unknown>
  targets: readonly unknown[]
  /** Other targets for the same images; every value differs. */
  otherTargets: readonly unknown[]
  predictions: readonly unknown[]
}

const classes: TaskCase = {
  options: { classes: 3, headSlices: 1 },
  targets: [{ labels: [0] }, { labels: [1, 2] }],
  otherTargets: [{ labels: [2, 1] }, { labels: [0] }],
  predictions: [Float32Array.of(1, 2, 3), Float32Array.of(0, 9, 1)],
}

const keypointsAt = (x: number) => Array.from({ length: 17 }, () => [x, x, 1]).flat()
const posed = (x: number) => ({
  size: { height: 8, width: 8 },
  diskRadius: 2,
  keypoints: Float32Array.from(keypointsAt(x)),
  others: new Float32Array(),
  scoring: {
    image: String(x),
    label: 0,
    persons: [{ box: [0, 0, 8, 8], area: 40, isCrowd: false, keypoints: keypointsAt(x) }],
    place: undefined,
  },
})

const objects: TaskCase = {
  options: {
    classes: 3,
    ...{ anchorBase: 8, anchorScales: [1], anchorRatios: [1], borderAnchors: 'kept', proposerChannels: 2 },
    ...{ proposerSamples: 4, candidates: 4, proposals: 2, cropSize: 2, cropPool: 1, boxSamples: 4 },
  },
  targets: [targetOf([object([1, 1, 4, 4])], 8, 8), targetOf([object([3, 2, 5, 5], { label: 2 })], 8, 8)],
  otherTargets: [targetOf([object([2, 2, 6, 6], { label: 1 })], 8, 8, 2), targetOf([object([0, 0, 7, 7])], 8, 8, 3)],
  predictions: [found({ box: [1, 1, 4, 4], score: 0.5 }), found()],
}

/** 8×8 pixels, of the size that tests of tasks give to the network. */
function mask(classAt: (i: number) => number) {
  const size = { height: 8, width: 8 }
  return { ...size, classes: Uint8Array.from({ length: 64 }, (_, i) => classAt(i)), seen: size }
}

export const TASK_CASES: Readonly<Record<TaskType, TaskCase>> = {
  'multi-label': classes,
  'imagenet-classification': classes,
  'coco-pose': {
    options: { outputStride: 4 },
    targets: [posed(1), posed(2)],
    otherTargets: [posed(5), posed(6)],
    predictions: [{ keypoints: keypointsAt(1.5), score: 0.5, box: [0, 0, 8, 8] }, undefined],
  },
  'object-count': {
    options: {},
    targets: [{ count: 1 }, { count: 2 }],
    otherTargets: [{ count: 2 }, { count: 5 }],
    predictions: [1.5, 2],
  },
  'coco-detection': objects,
  'voc-detection': objects,
  'voc-segmentation': {
    options: { classes: 3, outputStride: 4, rates: [1, 2] },
    targets: [mask(() => 0), mask((i) => (i < 32 ? 1 : 2))],
    otherTargets: [mask(() => 2), mask((i) => (i < 32 ? 2 : 0))],
    predictions: [
      { classes: new Uint8Array(64), loss: { sum: 1, pixels: 4 } },
      { classes: new Uint8Array(64).fill(1), loss: { sum: 2, pixels: 4 } },
    ],
  },
}

export function taskOf(type: TaskType): Promise<Task> {
  return createTask(makeConfig({ task: { type, options: TASK_CASES[type].options, input: {} } }))
}
