import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { type CocoInput, cocoBoxes, cocoKeypoints } from '../../../src/scores/index.ts'
import { GOLDEN_BOXES as BOXES, GOLDEN_BOX_NUMBERS, GOLDEN_KEYPOINT_NUMBERS } from '../../support/coco-golden.ts'

const near = (values: Readonly<Record<string, number>>, golden: readonly number[]) => {
  assert.equal(Object.keys(values).length, golden.length)
  Object.entries(values).forEach(([name, value], i) => {
    assert.ok(Math.abs(value - (golden[i] as number)) < 1e-6, `${name}: ${value}, expected ${golden[i]}`)
  })
}

suite('boxes as plain objects', () => {
  test('have the golden numbers', () => {
    const { summary } = cocoBoxes(BOXES)
    near(summary, GOLDEN_BOX_NUMBERS)
  })

  test('may leave out ids, crowd flags, and areas that are those of the boxes', () => {
    const [annotations] = [BOXES.annotations.filter(({ id }) => id === 1 || id === 3)]
    const short = annotations.map(({ image_id, category_id, bbox }) => ({ image_id, category_id, bbox }))
    assert.deepEqual(cocoBoxes({ ...BOXES, annotations: short }), cocoBoxes({ ...BOXES, annotations }))
  })

  for (const limits of [
    [100, 10, 1],
    [1, 1, 100],
    [0, 10, 100],
    [1, 10.5, 100],
    [1, 10, Number.NaN],
  ] as const)
    test(`are refused for the limits ${limits} of detections`, () =>
      assert.throws(() => cocoBoxes({ ...BOXES, maxDetections: limits }), {
        code: 'SCORES_INVALID',
        message: /^maxDetections: \[.*\]: expected whole numbers above 0/,
      }))

  test('take other limits of detections, which name the recalls', () => {
    const { summary } = cocoBoxes({ ...BOXES, maxDetections: [1, 2, 300] })
    assert.deepEqual(
      Object.keys(summary).filter((name) => /AR\d/.test(name)),
      ['AR1', 'AR2', 'AR300'],
    )
  })

  test('take crowd flags that Python wrote as false and true', () => {
    const flagged = BOXES.annotations.map((object) => ({ ...object, iscrowd: object.iscrowd === 1 }))
    assert.deepEqual(cocoBoxes({ ...BOXES, annotations: flagged }), cocoBoxes(BOXES))
  })

  for (const [name, object, message] of [
    ['an area of NaN', { area: Number.NaN }, /annotations\[1\]\.area: NaN/],
    ['a crowd flag of NaN', { iscrowd: Number.NaN }, /annotations\[1\]\.iscrowd: NaN/],
    ['a category that is text', { category_id: '1' as unknown as number }, /annotations\[1\]\.category_id: "1"/],
    ['an id that stands twice', { id: 1 }, /annotations\[1\]\.id: 1: expected an id of its own/],
  ] as const)
    test(`are refused for an object with ${name}`, () => {
      const [first, ...others] = BOXES.annotations as [CocoInput['annotations'][number]]
      const annotations = [first, { ...first, id: 2, ...object }, ...others.slice(1)]
      assert.throws(() => cocoBoxes({ ...BOXES, annotations }), { code: 'SCORES_INVALID', message })
    })

  test('are refused for a category or an image whose id is text', () => {
    const text = [{ id: '1' as unknown as number }]
    const [code, message] = ['SCORES_INVALID', /\[0\]\.id: "1": expected a finite number/]
    assert.throws(() => cocoBoxes({ ...BOXES, categories: text }), { code, message })
    assert.throws(() => cocoBoxes({ ...BOXES, images: text }), { code, message })
  })

  for (const [name, detection, message] of [
    ['a score of NaN', { score: Number.NaN }, /detections\[0\]\.score: NaN/],
    ['an infinite box', { bbox: [1, 2, Number.POSITIVE_INFINITY, 4] }, /detections\[0\]\.bbox/],
    ['a missing box', { bbox: undefined }, /detections\[0\]\.bbox: undefined/],
    ['an unknown image', { image_id: 3 }, /detections\[0\]\.image_id: 3/],
  ] as const)
    test(`are refused for ${name}`, () => {
      const wrong = { image_id: 1, category_id: 1, bbox: [1, 2, 3, 4], score: 1, ...detection }
      assert.throws(() => cocoBoxes({ ...BOXES, detections: [wrong] }), { code: 'SCORES_INVALID', message })
    })
})

suite('keypoints as plain objects', () => {
  const points = (shift: number) => Array.from({ length: 17 }, (_, i) => [50 + 3 * i + shift, 40 + 5 * i, 2]).flat()
  const bbox = [45, 35, 60, 95]
  const input: CocoInput = {
    images: BOXES.images,
    categories: [{ id: 1 }],
    annotations: [
      { image_id: 1, category_id: 1, bbox, area: 4000, keypoints: points(0), num_keypoints: 17 },
      { image_id: 2, category_id: 1, bbox, area: 10000, keypoints: points(0) },
      { image_id: 2, category_id: 1, bbox: [120, 120, 40, 40], area: 1500, keypoints: Array(51).fill(0) },
    ],
    detections: [
      { image_id: 1, category_id: 1, keypoints: points(3), score: 0.9 },
      { image_id: 1, category_id: 1, keypoints: points(30), score: 0.8 },
      { image_id: 2, category_id: 1, keypoints: points(10), score: 0.7 },
    ],
  }

  test('have the golden numbers', () => {
    near(cocoKeypoints(input).summary, GOLDEN_KEYPOINT_NUMBERS)
  })

  for (const sigmas of [[], [0], [-1], [Number.NaN]])
    test(`are refused for the sigmas [${sigmas}]`, () =>
      assert.throws(() => cocoKeypoints({ ...input, sigmas }), { code: 'SCORES_INVALID', message: /^sigmas: \[/ }))

  test('are refused if their number is not that of the sigmas', () => {
    assert.throws(() => cocoKeypoints({ ...input, sigmas: [0.1, 0.1] }), {
      code: 'SCORES_INVALID',
      message: /annotations\[0\]\.keypoints: .*expected 6 finite numbers/,
    })
  })
})
