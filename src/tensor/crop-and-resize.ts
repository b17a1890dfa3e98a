/**
 * Bilinear crops of a feature, with the gradient that tfjs lacks. Output pixel i of n samples the feature's row
 * y₁(H - 1) + i·(y₂ - y₁)(H - 1)/(n - 1); outside of the feature a crop is 0 (paper.md §4.6).
 * B images, H W feature pixels, C channels, R crops, n crop pixels.
 */
import type { NamedTensorMap } from '@tensorflow/tfjs'
import { plainFunction } from './plain-function.ts'
import { type Tensor, type Tensor1D, type Tensor2D, type Tensor4D, tf } from './tf.ts'

/**
 * No gradient passes to the boxes.
 * @param boxes_R4 top, left, bottom, right as shares of the feature's height and width
 * @param image_R int32: the image of each box
 * @param size n; a single pixel samples the centre of its box
 */
export function cropAndResize(x_BHWC: Tensor4D, boxes_R4: Tensor2D, image_R: Tensor1D, size: number): Tensor4D {
  const crop = tf.customGrad((x, save) => {
    ;(save as (tensors: Tensor[]) => void)([boxes_R4, image_R])
    const value = tf.image.cropAndResize(x as Tensor4D, boxes_R4, image_R, [size, size], 'bilinear', 0)
    const gradFunc = (dy: Tensor, saved: Tensor[] | NamedTensorMap) => {
      const [dx_BHWC] = plainFunction([dy, ...(saved as Tensor[])], ([dy_RnnC, boxes_R4, image_R]) => [
        { shape: x_BHWC.shape, values: scatterAdd(x_BHWC.shape, size, { dy_RnnC, boxes_R4, image_R } as Crops) },
      ])
      return dx_BHWC as Tensor
    }
    return { value, gradFunc }
  })
  return crop(x_BHWC) as Tensor4D
}

interface Crops {
  readonly dy_RnnC: Float32Array
  readonly boxes_R4: Float32Array
  readonly image_R: Int32Array
}

type Shape4 = readonly [images: number, height: number, width: number, channels: number]

/** Adds the gradient of every crop pixel to the four feature pixels that it was interpolated from. */
function scatterAdd([images, height, width, channels]: Shape4, size: number, crops: Crops): Float32Array {
  const { dy_RnnC, boxes_R4, image_R } = crops
  const dx = new Float32Array(images * height * width * channels)
  image_R.forEach((image, r) => {
    const [top, left, bottom, right] = boxes_R4.subarray(4 * r, 4 * r + 4) as unknown as [
      number,
      number,
      number,
      number,
    ]
    const rows = samplesOf(top, bottom, height, size)
    const columns = samplesOf(left, right, width, size)
    rows.forEach((row, i) => {
      if (row === undefined) return
      columns.forEach((column, j) => {
        if (column === undefined) return
        const from = ((r * size + i) * size + j) * channels
        const at = (y: number, x: number) => ((image * height + y) * width + x) * channels
        addScaled(dx, at(row.low, column.low), dy_RnnC, from, channels, (1 - row.share) * (1 - column.share))
        addScaled(dx, at(row.low, column.high), dy_RnnC, from, channels, (1 - row.share) * column.share)
        addScaled(dx, at(row.high, column.low), dy_RnnC, from, channels, row.share * (1 - column.share))
        addScaled(dx, at(row.high, column.high), dy_RnnC, from, channels, row.share * column.share)
      })
    })
  })
  return dx
}

function addScaled(into: Float32Array, at: number, from: Float32Array, begin: number, count: number, by: number): void {
  if (by === 0) return
  for (let c = 0; c < count; c++) into[at + c] = (into[at + c] as number) + by * (from[begin + c] as number)
}

interface Sample {
  readonly low: number
  readonly high: number
  /** Of the higher pixel. */
  readonly share: number
}

/** Where the pixels of a crop lie along one axis; undefined: outside. In float32, as the operation rounds. */
function samplesOf(from: number, to: number, length: number, size: number): (Sample | undefined)[] {
  const { fround } = Math
  const step = size > 1 ? fround(fround(fround(to - from) * (length - 1)) / (size - 1)) : 0
  const first = size > 1 ? fround(from * (length - 1)) : fround(fround(0.5 * fround(from + to)) * (length - 1))
  return Array.from({ length: size }, (_, i) => {
    const place = fround(first + fround(i * step))
    if (!(place >= 0 && place <= length - 1)) return undefined
    const low = Math.floor(place)
    return { low, high: Math.ceil(place), share: place - low }
  })
}
