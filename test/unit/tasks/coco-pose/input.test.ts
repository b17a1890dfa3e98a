import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import type { AnnotatedObject, ObjectAnnotation } from '../../../../src/data/annotations.ts'
import type { Decoded } from '../../../../src/input/pipeline.ts'
import { createRandom } from '../../../../src/support/random.ts'
import { cocoPose } from '../../../../src/tasks/coco-pose/declaration.ts'
import { createInput, poseInput } from '../../../../src/tasks/coco-pose/input.ts'
import type { PersonBoxes } from '../../../../src/tasks/coco-pose/person-boxes.ts'
import { findPerson, KEYPOINTS, MIRRORED } from '../../../../src/tasks/coco-pose/skeleton.ts'
import type { PoseTarget } from '../../../../src/tasks/coco-pose/target.ts'
import { temporaryFolder } from '../../../support/temporary-folder.ts'
import { K, PERSON, person } from './builders.ts'

const FOLDER = temporaryFolder()
const SIZE = { height: 60, width: 80 }
const UNLABELLED = KEYPOINTS.flatMap(() => [0, 0, 0])
const INPUT = cocoPose.input.parse({ cropHeightPixels: 64, cropWidthPixels: 48, diskRadiusPixels: 6 })

function example(objects: readonly AnnotatedObject[], id = '7'): Decoded<ObjectAnnotation> {
  return { id, picture: { ...SIZE, rgb: new Uint8Array(60 * 80 * 3).fill(200) }, annotation: { ...SIZE, objects } }
}

function inputOf(fields: Partial<typeof INPUT> = {}, boxes?: PersonBoxes) {
  return poseInput({ ...INPUT, ...fields }, findPerson([PERSON], 'data'), boxes)
}

const targetsOf = (samples: Iterable<{ target: PoseTarget }>) => [...samples].map(({ target }) => target)

test('training has a crop for each person with labelled keypoints and a box inside of the picture', () => {
  const objects = [
    person(10, 10),
    person(30, 10),
    person(20, 20, { crowd: true }),
    person(20, 20, { keypoints: UNLABELLED }),
    person(20, 20, { box: [20, 20, 0, 30] }),
    person(20, 20, { box: [-90, 20, 40, 30] }),
    person(20, 20, { label: 1 }),
  ]
  const samples = [...inputOf().train(example(objects), createRandom(1))]
  assert.equal(samples.length, 2)
  const { keypoints: _, ...bare } = person(40, 10)
  assert.equal([...inputOf().train(example([bare]), createRandom(1))].length, 0, 'an annotation without keypoints')
})

test('keypoints of the person and of the others are in the pixels of the crop', () => {
  const fixed = inputOf({ minCropScale: 1, maxCropScale: 1, flip: false })
  const second = person(30, 10, { keypoints: KEYPOINTS.flatMap((_, k) => [30 + k, 10, k === 3 ? 0 : 1]) })
  const [first] = targetsOf(fixed.train(example([person(10, 10), second]), createRandom(1)))
  // The box is 16×32 around (18, 26); the crop of 24×32 pixels is drawn with 2 pixels for each.
  assert.deepEqual(
    [...(first as PoseTarget).keypoints.slice(0, 6)],
    [(10.5 - 6) * 2 - 0.5, 0.5, 1, (11.5 - 6) * 2 - 0.5, 4.5, 1],
  )
  assert.deepEqual([...(first as PoseTarget).others.slice(9, 12)], [(33.5 - 6) * 2 - 0.5, 0.5, 0])
  assert.equal((first as PoseTarget).others.length, 3 * K)
})

test('a mirrored crop has left for right, and the same random numbers give the same crops', () => {
  const draw = (seed: number) =>
    targetsOf(inputOf().train(example([person(10, 10)]), createRandom(seed)))[0] as PoseTarget
  assert.deepEqual(draw(3), draw(3))
  const both = [false, true].map((flip) => {
    const fixed = inputOf({ minCropScale: 1, maxCropScale: 1, flip })
    const seed = Array.from({ length: 50 }, (_, i) => i).find((i) => {
      const random = createRandom(i)
      random.next()
      return random.next() < 0.5
    }) as number
    return (targetsOf(fixed.train(example([person(10, 10)]), createRandom(seed)))[0] as PoseTarget).keypoints
  }) as [Float32Array, Float32Array]
  const [plain, mirrored] = both
  for (const [k, other] of MIRRORED.entries()) {
    assert.ok(Math.abs((mirrored[3 * k] as number) - (47 - (plain[3 * other] as number))) < 1e-4)
    assert.equal(mirrored[3 * k + 1], plain[3 * other + 1])
  }
})

test('factors of training are between the two of the options', () => {
  const random = createRandom(5)
  const scales = Array.from({ length: 200 }, () => {
    const [one] = targetsOf(inputOf({ flip: false }).train(example([person(10, 10)]), random)) as [PoseTarget]
    return 2 / ((one.keypoints[4] as number) - (one.keypoints[1] as number)) / 0.5
  })
  assert.ok(Math.min(...scales) > 0.99 && Math.min(...scales) < 1.05, `${Math.min(...scales)}`)
  assert.ok(Math.max(...scales) < 1.51 && Math.max(...scales) > 1.45, `${Math.max(...scales)}`)
})

test('scoring has a crop for each person that COCO counts, enlarged, and all persons with each', () => {
  const persons = [
    person(10, 10),
    person(30, 10),
    person(50, 10, { crowd: true }),
    person(50, 5, { keypoints: UNLABELLED }),
  ]
  const targets = targetsOf(inputOf().evaluate(example(persons)))
  assert.equal(targets.length, 2)
  for (const { scoring } of targets) assert.deepEqual([scoring.image, scoring.persons.length], ['7', 4])
  assert.deepEqual(targets[0]?.scoring.place?.crop, { left: 18 - 15, top: 26 - 20, scale: 0.625, isFlipped: false })
})

test('boxes of a detector replace those of the annotations', () => {
  const boxes: PersonBoxes = new Map([
    [
      '7',
      [
        { box: [0, 0, 20, 30] as const, score: 0.25 },
        { box: [500, 0, 20, 30] as const, score: 0.9 },
        { box: [5, 5, 0, 0] as const, score: 0.9 },
      ],
    ],
  ])
  const scoresOf = (boxScores: 'ignored' | 'multiplied') =>
    targetsOf(inputOf({ boxScores }, boxes).evaluate(example([person(10, 10), person(30, 10)]))).map(
      ({ scoring }) => scoring.place?.boxScore,
    )
  assert.deepEqual(scoresOf('ignored'), [1])
  assert.deepEqual(scoresOf('multiplied'), [0.25])
})

test('a picture with persons and without a usable box still has them counted', () => {
  const blank = (samples: Iterable<{ target: PoseTarget }>) =>
    targetsOf(samples).map(({ scoring }) => [scoring.persons.length, scoring.place])
  const none: PersonBoxes = new Map([['8', []]])
  assert.deepEqual(blank(inputOf({}, none).evaluate(example([person(10, 10)]))), [[1, undefined]])
  assert.deepEqual(blank(inputOf().evaluate(example([person(10, 10, { box: [3, 3, 0, 5] })]))), [[1, undefined]])
  assert.deepEqual(blank(inputOf({}, none).evaluate(example([person(10, 10, { crowd: true })]))), [])
  assert.deepEqual(blank(inputOf().evaluate(example([]))), [])
})

test('a person at the edge, and a box of a fraction of a pixel, give finite crops', () => {
  const objects = [person(70, 50, { box: [79.9, 59.9, 900, 900] }), person(2, 2, { box: [1, 1, 1e-7, 1e-7] })]
  for (const sample of [
    ...inputOf().train(example(objects), createRandom(1)),
    ...inputOf().evaluate(example(objects)),
  ]) {
    const pixels = new Float32Array(64 * 48 * 3)
    sample.draw(pixels, 0)
    assert.ok(pixels.every((value) => Math.abs(value) <= 1.0001))
    assert.ok(sample.target.keypoints.every(Number.isFinite))
  }
})

test('a job reads the boxes only where it scores, relative to the data', async () => {
  const folder = FOLDER
  await writeFile(
    join(folder, 'found.json'),
    JSON.stringify([{ image_id: 7, category_id: 1, bbox: [0, 0, 20, 30], score: 0.5 }]),
  )
  const data = { options: {}, labels: [PERSON], folder }
  const scored = { images: new Set(['7']) }
  const wholeSet = example([person(10, 10), person(30, 10)])
  const given = { personBoxes: 'found.json', boxScores: 'multiplied' }
  const crops = async (input: object, rest: object) =>
    targetsOf((await createInput(input, { ...data, ...rest })).evaluate(wholeSet))
  assert.deepEqual(
    (await crops(given, { scored })).map(({ scoring }) => scoring.place?.boxScore),
    [0.5],
  )
  assert.equal((await crops({ personBoxes: 'missing.json' }, {})).length, 2, 'training')
  assert.equal((await crops({}, { scored })).length, 2)
  await assert.rejects(crops({ personBoxes: 'missing.json' }, { scored }), {
    code: 'DATA_MISSING',
    message: /missing\.json/,
  })
  await assert.rejects(crops(given, { scored: { images: new Set(['8']) } }), { code: 'COCO_INVALID' })
  await assert.rejects(crops({}, { labels: [{ id: 0, name: 'car', parents: [] }] }), { code: 'DATA_KEYPOINTS' })
  const wrong = { code: 'CONFIG_INVALID', message: /minCropScale: 1.5: expected at most maxCropScale, 1.2/ }
  await assert.rejects(crops({ minCropScale: 1.5, maxCropScale: 1.2 }, {}), wrong)
})
