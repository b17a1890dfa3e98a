import assert from 'node:assert/strict'
import { test } from 'node:test'
import { errorCode } from '../../../../src/support/errors.ts'
import type { Box } from '../../../../src/tasks/coco-pose/crop.ts'
import type { Pose, TruePerson } from '../../../../src/tasks/coco-pose/pose.ts'
import { createScorer } from '../../../../src/tasks/coco-pose/score.ts'
import { sketchPose } from '../../../../src/tasks/coco-pose/sketch.ts'
import { suppress } from '../../../../src/tasks/coco-pose/suppress.ts'
import type { PoseTarget } from '../../../../src/tasks/coco-pose/target.ts'
import { target } from './builders.ts'

/** The points of the golden vectors of paper.md §4.11. */
const points = (shift = 0) => Array.from({ length: 17 }, (_, i) => [50 + 3 * i + shift, 40 + 5 * i, 2]).flat()
const BOX: Box = [45, 35, 60, 95]
const known = (area: number): TruePerson => ({ box: BOX, area, isCrowd: false, keypoints: points() })
const unlabelled: TruePerson = { box: [120, 120, 40, 40], area: 1500, isCrowd: false, keypoints: points().map(() => 0) }
const pose = (shift: number, score: number, box: Box = BOX): Pose => ({ keypoints: points(shift), score, box })

function scored(rows: readonly [image: string, persons: readonly TruePerson[], pose: Pose | undefined][]) {
  const scorer = createScorer()
  for (const [image, persons, found] of rows) scorer.add([found], [targetOf(image, persons)])
  return scorer.result()
}

function targetOf(image: string, persons: readonly TruePerson[]): PoseTarget {
  return target([], { scoring: { image, label: 4, persons, place: undefined } })
}

const near = (a: number | undefined, b: number) => assert.ok(Math.abs((a as number) - b) < 1e-5, `${a} is not ${b}`)

test('scores of the golden vectors, whose poses are too different to be suppressed', () => {
  const first = [known(4000)]
  const second = [known(10_000), unlabelled]
  const small: Box = [45, 35, 20, 20]
  const result = scored([
    ['1', first, pose(3, 0.9, small)],
    ['2', second, pose(10, 0.7)],
    ['1', first, pose(30, 0.8, small)],
  ])
  near(result.AP, 0.50297)
  near(result['AP@.5'], 0.834983)
  near(result.AR, 0.55)
  near(result.meanOKS, (0.882266 + 0.646995) / 2)
})

test('a picture with persons and without a box lowers the scores; its twin pose is suppressed', () => {
  const first = [known(4000)]
  const whole = scored([
    ['1', first, pose(0, 0.9)],
    ['1', first, pose(0.5, 0.8)],
    ['2', [known(4000)], pose(0, 0.7)],
  ])
  near(whole.AP, 1)
  near(whole.AR, 1)
  const half = scored([
    ['1', [known(4000)], pose(0, 0.9)],
    ['2', [known(4000)], undefined],
  ])
  near(half.AR, 0.5)
  near(half.meanOKS, 0.5)
})

test('without a person that counts there is no score, and the error says so', () => {
  const isNoObjects = (error: unknown) => errorCode(error) === 'DATA_NO_OBJECTS'
  assert.throws(() => scored([['1', [unlabelled, { ...known(4000), isCrowd: true }], pose(0, 0.9)]]), isNoObjects)
  assert.throws(() => scored([]), isNoObjects)
  assert.deepEqual(scored([['1', [known(4000)], undefined]]), { AP: 0, 'AP@.5': 0, AR: 0, meanOKS: 0 })
})

test('of similar poses the one with the best score remains', () => {
  const kept = suppress([pose(1, 0.2), pose(0, 0.9), pose(60, 0.5), pose(61, 0.6)])
  assert.deepEqual(
    kept.map(({ score }) => score),
    [0.9, 0.6],
  )
})

test('a sketch shows a pose beside the person that is most like it', () => {
  const persons = [{ ...known(4000), keypoints: points(200) }, known(4000), known(4000), unlabelled]
  const { score, truth, prediction } = sketchPose(pose(3, 0.7), targetOf('1', persons))
  near(score, 0.882266)
  assert.deepEqual(truth, { type: 'objects', objects: [{ label: 4, box: BOX, keypoints: points() }] })
  assert.deepEqual(prediction, { type: 'objects', objects: [{ label: 4, ...pose(3, 0.7) }] })
  const missed = sketchPose(undefined, targetOf('1', persons))
  assert.deepEqual([missed.score, missed.truth.type === 'objects' && missed.truth.objects.length], [0, 3])
  assert.equal(sketchPose(pose(3, 0.7), targetOf('1', [unlabelled])).score, undefined)
})
