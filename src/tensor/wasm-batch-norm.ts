/** Batch norm on own kernels: in training two passes over the values forward, and two backward. C channels. */
import type { NamedTensorMap, TensorInfo } from '@tensorflow/tfjs'
import { type Normalised, unbiasedOverBiased } from './batch-norm.ts'
import { type Tensor, type Tensor1D, type Tensor4D, tf } from './tf.ts'
import { addressOf, allocate, asTensor, floatsAt, kernels, withScratch } from './wasm-heap.ts'

const FLOAT_BYTES = 4
/** Rows whose mean shifts all values before they are squared, so that a large mean does not drown the variance. */
const SHIFT_ROWS = 16

/** As `batchNormTraining` of batch-norm.ts. */
export function wasmBatchNormTraining(
  x_BHWC: Tensor4D,
  gamma_C: Tensor1D,
  beta_C: Tensor1D,
  epsilon: number,
): Normalised {
  const { mean_C, variance_C, unbiased_C } = momentsOf(x_BHWC)
  const normalise = tf.customGrad((x, gamma, beta, save) => {
    ;(save as (tensors: Tensor[]) => void)([x as Tensor, gamma as Tensor, mean_C, variance_C])
    const vectors = { mean_C, variance_C, gamma_C: gamma as Tensor1D, beta_C: beta as Tensor1D }
    return {
      value: asTensor<Tensor4D>(applyBatchNorm(x as Tensor4D, vectors, epsilon)),
      gradFunc: (dy: Tensor, saved: Tensor[] | NamedTensorMap) => {
        const [x_BHWC, gamma_C, mean_C, variance_C] = saved as [Tensor4D, Tensor1D, Tensor1D, Tensor1D]
        return gradients(dy as Tensor4D, x_BHWC, gamma_C, { mean_C, variance_C }, epsilon)
      },
    }
  })
  return { y_BHWC: normalise(x_BHWC, gamma_C, beta_C) as Tensor4D, mean_C, variance_C: unbiased_C }
}

interface Moments {
  readonly mean_C: Tensor1D
  readonly variance_C: Tensor1D
}

function momentsOf(x: Tensor4D): Moments & { unbiased_C: Tensor1D } {
  const { rows, channels } = matrixOf(x)
  const [mean_C, variance_C, unbiased_C] = Array.from({ length: 3 }, () =>
    asTensor(allocate([channels])),
  ) as Three<Tensor1D>
  withVectors(3, channels, ([shift, sum, squares], addresses) => {
    shift.set(sampleMean(floatsAt(addressOf(x), x.size), rows, channels))
    kernels().moments(addressOf(x), ...addresses, rows, channels)
    const [mean, variance, unbiased] = [mean_C, variance_C, unbiased_C].map(valuesOf) as Three<Float32Array>
    for (let c = 0; c < channels; c++) {
      const difference = at(sum, c) / rows
      mean[c] = at(shift, c) + difference
      variance[c] = Math.max(0, at(squares, c) / rows - difference * difference)
      unbiased[c] = at(variance, c) * unbiasedOverBiased(rows)
    }
  })
  return { mean_C, variance_C, unbiased_C }
}

/** The mean of rows that are spread evenly over all. */
function sampleMean(x: Float32Array, rows: number, channels: number): Float32Array {
  const mean = new Float32Array(channels)
  const count = Math.min(SHIFT_ROWS, rows)
  for (let i = 0; i < count; i++) {
    const from = Math.floor((i * rows) / count) * channels
    for (let c = 0; c < channels; c++) mean[c] = at(mean, c) + at(x, from + c) / count
  }
  return mean
}

export interface BatchNormVectors extends Moments {
  readonly gamma_C: Tensor1D
  readonly beta_C: Tensor1D
}

/** (x - mean)·γr + β with r = 1/√(variance + ε). */
export function applyBatchNorm(
  x: Tensor4D,
  { mean_C, variance_C, gamma_C, beta_C }: BatchNormVectors,
  epsilon: number,
): TensorInfo {
  const { rows, channels } = matrixOf(x)
  const y = allocate(x.shape)
  withVectors(1, channels, ([scale], [scaleAt]) => {
    const [gamma, variance] = [valuesOf(gamma_C), valuesOf(variance_C)]
    for (let c = 0; c < channels; c++) scale[c] = at(gamma, c) / Math.sqrt(at(variance, c) + epsilon)
    kernels().normalise(addressOf(x), addressOf(y), addressOf(mean_C), scaleAt, addressOf(beta_C), rows, channels)
  })
  return y
}

/** With h = (x - mean)·r and M rows: dβ = Σdy, dγ = Σdy·h, dx = γr·(dy - dβ/M - h·dγ/M). */
function gradients(dy: Tensor4D, x: Tensor4D, gamma: Tensor1D, moments: Moments, epsilon: number): Tensor[] {
  const { rows, channels } = matrixOf(x)
  const dx = asTensor<Tensor4D>(allocate(x.shape))
  const [dgamma, dbeta] = [asTensor<Tensor1D>(allocate([channels])), asTensor<Tensor1D>(allocate([channels]))]
  withVectors(5, channels, ([sum, products, scale, slope, constant], [sumAt, productsAt, ...factors]) => {
    const [dyAt, xAt, mean] = [addressOf(dy), addressOf(x), addressOf(moments.mean_C)]
    kernels().gradientSums(dyAt, xAt, mean, sumAt, productsAt, rows, channels)
    const [g, variance, dg, db] = [gamma, moments.variance_C, dgamma, dbeta].map(valuesOf) as Four<Float32Array>
    for (let c = 0; c < channels; c++) {
      const r = 1 / Math.sqrt(at(variance, c) + epsilon)
      db[c] = at(sum, c)
      dg[c] = at(products, c) * r
      scale[c] = at(g, c) * r
      slope[c] = (-at(scale, c) * r * at(dg, c)) / rows
      constant[c] = (-at(scale, c) * at(db, c)) / rows
    }
    kernels().normaliseGradient(dyAt, xAt, addressOf(dx), mean, ...factors, rows, channels)
  })
  return [dx, dgamma, dbeta]
}

type Three<T> = [T, T, T]
type Four<T> = [T, T, T, T]

function matrixOf(x: Tensor4D): { rows: number; channels: number } {
  const channels = x.shape[3]
  return { rows: x.size / channels, channels }
}

function valuesOf(tensor: Tensor): Float32Array {
  return floatsAt(addressOf(tensor), tensor.size)
}

function at(values: Float32Array, i: number): number {
  return values[i] as number
}

/** As many as were asked for. */
type Vectors<T> = [T, T, T, T, T]

/** Lends vectors of one value a channel, all 0. */
function withVectors(
  count: number,
  channels: number,
  use: (vectors: Vectors<Float32Array>, addresses: Vectors<number>) => void,
): void {
  withScratch(count * channels * FLOAT_BYTES, (address) => {
    const addresses = Array.from({ length: count }, (_, i) => address + i * channels * FLOAT_BYTES)
    const vectors = addresses.map((one) => floatsAt(one, channels).fill(0))
    use(vectors as Vectors<Float32Array>, addresses as Vectors<number>)
  })
}
