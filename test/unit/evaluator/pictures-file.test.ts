import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { realFileSystem } from '../../../src/checkpoint/file-system.ts'
import { type PicturesRecord, parsePictures } from '../../../src/contract/pictures.ts'
import type { Sketch } from '../../../src/contract/sketch.ts'
import { readMask } from '../../../src/data/voc/mask.ts'
import { picturesWriter } from '../../../src/evaluator/pictures-file.ts'
import { silentLog } from '../../../src/support/log.ts'
import { temporaryFolder } from '../../support/temporary-folder.ts'
import { inside } from '../data/builders.ts'

const root = temporaryFolder()
const LABELS = ['background', 'cat', 'dog', 'person'].map((name, id) => ({ id, name, parents: [] }))
const SKELETON: [number, number][] = [[1, 2]]

async function written(truth: Sketch, prediction: Sketch): Promise<PicturesRecord | undefined> {
  const folder = inside(root)
  const labels = LABELS.map((label) => (label.name === 'person' ? { ...label, skeleton: SKELETON } : label))
  const write = picturesWriter({ folder, digest: 'abc' }, { fs: realFileSystem, log: silentLog })
  await write([{ rank: 'best', id: 'one', score: 0.5, samples: [{ score: 0.5, truth, prediction }] }], labels)
  assert.deepEqual(readdirSync(folder), ['pictures.json'])
  return parsePictures(readFileSync(join(folder, 'pictures.json'), 'utf8'))
}
const sampleOf = (record: PicturesRecord | undefined) => record?.pictures[0]?.samples[0]

suite('the file of the worst, median and best pictures', () => {
  test('has sketches of objects, and the labels that they name', async () => {
    const keypoints = [1.23, 2, 2, 0, 0, 0]
    const truth: Sketch = { type: 'objects', objects: [{ label: 3, box: [0.123, 2, 3, 4.06], crowd: true, keypoints }] }
    const prediction: Sketch = { type: 'objects', objects: [{ label: 1, box: [1, 2, 3, 4], score: 0.25 }] }
    const record = await written(truth, prediction)
    assert.deepEqual(record?.labels, [
      { id: 1, name: 'cat' },
      { id: 3, name: 'person', skeleton: SKELETON },
    ])
    assert.deepEqual(sampleOf(record), {
      truth: {
        type: 'objects',
        objects: [{ label: 3, box: [0.1, 2, 3, 4.1], crowd: true, keypoints: [1.2, 2, 2, 0, 0, 0] }],
      },
      prediction,
    })
  })

  test('keeps the objects with the highest scores, and none that has no place', async () => {
    const objects = Array.from({ length: 100 }, (_, i) => ({ label: 1, box: [i, 0, 1, 1] as const, score: i / 100 }))
    const lost = { label: 2, box: [Number.NaN, 0, 1, 1] as const, score: 1 }
    const record = await written({ type: 'objects', objects: [] }, { type: 'objects', objects: [lost, ...objects] })
    const kept = sampleOf(record)?.prediction
    assert.ok(kept?.type === 'objects')
    assert.deepEqual([kept.objects.length, kept.objects[0]?.box[0], kept.objects.at(-1)?.box[0]], [40, 99, 60])
  })

  test('has masks and classes; scores that are not numbers are left out', async () => {
    const mask = { type: 'mask', width: 2, height: 1, classes: Uint8Array.of(2, 255) } as const
    const record = await written(mask, { type: 'classes', classes: [{ label: 1, score: Number.NaN }] })
    const { truth, prediction } = sampleOf(record) ?? {}
    assert.ok(truth?.type === 'mask')
    const { type, ...stored } = mask
    assert.deepEqual(readMask(Buffer.from(truth.png, 'base64'), 'mask'), stored)
    assert.deepEqual(prediction, { type: 'classes', classes: [{ label: 1 }] })
  })

  test('of a disk without space is logged, and nothing of it stays', async () => {
    const folder = inside(root)
    const warnings: unknown[] = []
    const full = {
      ...realFileSystem,
      rename: () => Promise.reject(Object.assign(new Error('full'), { code: 'ENOSPC' })),
    }
    const log = { ...silentLog, warn: (facts: unknown) => void warnings.push(facts) } as typeof silentLog
    await picturesWriter({ folder, digest: 'abc' }, { fs: full, log })([], LABELS)
    assert.deepEqual(warnings, [{ path: join(folder, 'pictures.json'), code: 'ENOSPC', reason: 'full' }])
    assert.deepEqual(readdirSync(folder), [])
  })

  test('that is cut short or has other contents is not read', () => {
    for (const text of ['', '{', '{"digest":"a","labels":[],"pictures":[{}]}', 'null'])
      assert.equal(parsePictures(text), undefined)
  })
})
