import assert from 'node:assert/strict'
import { join } from 'node:path'
import { before, test } from 'node:test'
import type { ObjectAnnotation } from '../../../../src/data/annotations.ts'
import type { DatasetOf, Encoded } from '../../../../src/data/dataset.ts'
import { openDataset } from '../../../../src/data/formats.ts'
import { makeDataSet } from '../../../../src/data/generate/make-data-set.ts'
import { makePerson, PARTS } from '../../../../src/data/generate/person.ts'
import { createRandom } from '../../../../src/support/random.ts'
import { findPerson, KEYPOINTS } from '../../../../src/tasks/coco-pose/skeleton.ts'
import { temporaryFolder } from '../../../support/temporary-folder.ts'
import { collect } from '../builders.ts'

const out = join(temporaryFolder(), 'pose')
let dataset: DatasetOf<'objects'>
let examples: Encoded<ObjectAnnotation>[]

before(async () => {
  await makeDataSet('pose-mini', { out, seed: 2, sizes: { trainImages: 80, valImages: 10 } })
  const annotations = 'annotations/person_keypoints_train.json'
  const opened = await openDataset(out, { path: '.', format: 'coco', annotations, maxCorruptRecords: 0 })
  assert.ok(opened.annotates === 'objects')
  dataset = opened
  const items = (await Promise.all(opened.units.map((_, unit) => collect(opened.read(unit))))).flat()
  examples = items.map((item) => (item.type === 'example' ? item : assert.fail(item.reason)))
})

/** x, y and visibility of each keypoint. */
const keypointsOf = (keypoints: readonly number[] = []) =>
  Array.from({ length: keypoints.length / 3 }, (_, i) => keypoints.slice(3 * i, 3 * i + 3) as [number, number, number])

test("the persons have COCO's keypoints, and a skeleton of them", () => {
  const { order } = findPerson(dataset.labels.labels, out)
  assert.deepEqual(
    order,
    KEYPOINTS.map((_, i) => i),
  )
  assert.equal(dataset.labels.labels[0]?.skeleton?.length, 19)
})

test('every picture has a person with keypoints; some are hidden, some not labelled', () => {
  for (const { annotation, id } of examples)
    assert.ok(
      annotation.objects.some(({ keypoints }) => keypointsOf(keypoints).some(([, , seen]) => seen > 0)),
      id,
    )
  const labelled = examples
    .flatMap(({ annotation }) => annotation.objects)
    .map(({ keypoints }) => keypointsOf(keypoints))
    .filter((points) => points.some(([, , seen]) => seen > 0))
    .flat()
  for (const visibility of [0, 1, 2]) assert.ok(labelled.filter(([, , seen]) => seen === visibility).length > 10)
  for (const point of labelled) if (point[2] === 0) assert.deepEqual(point, [0, 0, 0])
})

test('labelled keypoints are inside the picture and near the box of their person', () => {
  for (const { annotation } of examples)
    for (const { box, keypoints } of annotation.objects) {
      const [left, top, width, height] = box
      for (const [x, y, seen] of keypointsOf(keypoints)) {
        if (seen === 0) continue
        assert.ok(Math.min(x, y) >= 0 && Math.max(x, y) < annotation.width, `${x}, ${y}`)
        assert.ok(
          x >= left - 20 && x <= left + width + 20 && y >= top - 20 && y <= top + height + 20,
          `${x}, ${y}: ${box}`,
        )
      }
    }
})

test('crowds and persons too small for keypoints have none', () => {
  const objects = examples.flatMap(({ annotation }) => annotation.objects)
  const crowds = objects.filter(({ crowd }) => crowd)
  assert.ok(crowds.length > 0)
  for (const { keypoints } of crowds) assert.ok(keypoints?.every((value) => value === 0))
})

test('half of the persons turn their back, so that the left parts are on the left of them alone', () => {
  const random = createRandom(6)
  const place = { x: 128, y: 128, height: 100 }
  const [left, right] = ['left_hip', 'right_hip'].map((name) => PARTS.findIndex((part) => part.name === name))
  const turned = Array.from({ length: 400 }, () => makePerson(place, 256, random).parts).filter(
    (parts) => (parts[left as number]?.x ?? 0) < (parts[right as number]?.x ?? 0),
  )
  assert.ok(Math.abs(turned.length - 200) < 50, `seed 6: ${turned.length} of 400`)
})

test('left and right parts differ by their texture alone', () => {
  for (const { name, shape, texture } of PARTS) {
    const other = PARTS.find((part) => part.name === name.replace('left_', 'right_'))
    if (!name.startsWith('left_')) continue
    assert.equal(other?.shape, shape)
    assert.notEqual(other?.texture, texture)
  }
  assert.equal(new Set(PARTS.map(({ shape, texture }) => `${texture} ${shape}`)).size, PARTS.length)
})
