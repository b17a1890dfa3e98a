import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { cropRegions } from '../../../../src/models/faster-rcnn/network.ts'
import { type Tensor1D, type Tensor2D, type Tensor4D, tf } from '../../../../src/tensor/tf.ts'
import { GRADIENT_BACKENDS, type GradientBackend, useBackend } from '../../../support/backends.ts'
import { worstError } from '../../tensor/numeric.ts'

before(async () => void (await useBackend('wasm')))

/** A feature whose values are the rows of its pixels from 1, so that 0 is seen. */
function rowsFeature(rows: number): Tensor4D {
  return tf.tensor4d(
    Float32Array.from({ length: rows * 2 }, (_, i) => 1 + Math.floor(i / 2)),
    [1, rows, 2, 1],
  )
}

function cropped(rows: number, box: readonly number[], height: number, crop: { size: number; pool: number }): number[] {
  return tf.tidy(() => {
    const regions = {
      boxes_R4: tf.tensor2d([...box], [1, 4]) as Tensor2D,
      image_R: tf.tensor1d([0], 'int32') as Tensor1D,
    }
    const crops = cropRegions(rowsFeature(rows), regions, { height, width: 32 }, crop)
    assert.deepEqual(crops.shape, [1, crop.size / crop.pool, crop.size / crop.pool, 1])
    return [...crops.slice([0, 0, 0, 0], [1, -1, 1, 1]).dataSync()]
  })
}

test('a crop samples its rows evenly between the edges of the box, and pooling takes the largest', () => {
  const rows = 9
  const expected = [2, 3, 4, 5].map((quarter) => 1 + (quarter / 8) * (rows - 1))
  const box = [16, 0, 40, 32]
  assert.ok(worstError(cropped(rows, box, 64, { size: 4, pool: 1 }), expected) < 1e-4)
  assert.ok(
    worstError(cropped(rows, box, 64, { size: 4, pool: 2 }), [expected[1] as number, expected[3] as number]) < 1e-4,
  )
})

async function checkBorders(backend: GradientBackend) {
  if (!(await useBackend(backend))) return false
  for (let rows = 1; rows <= 38; rows++)
    for (const height of [rows * 4, rows * 16 - 9, 600]) {
      const last = cropped(rows, [height * 0.3, 0, height, 32], height, { size: 7, pool: 1 }).at(-1) as number
      assert.ok(Math.abs(last - rows) < 1e-3, `${rows} rows for ${height} pixels: the last sample is ${last}`)
    }
  return true
}

for (const backend of GRADIENT_BACKENDS)
  test(`a box at the border of the picture ends in the last feature pixel, not outside of it, on ${backend}`, async (t) => {
    if (!(await checkBorders(backend))) t.skip('TensorFlow is not set up here')
  })
