/**
 * Formats of compressed gradients. The body of a compressed push has the encoded gradients, then the batch statistics as
 * float32, without a gap. Values are encoded in blocks of `BLOCK_VALUES`, of which the last one is shorter:
 *
 *   fp16 IEEE half precision | bf16 the upper half of a float32 | both: round to nearest, ties to even
 *   int8 scale float32, then for each value round(value / scale) in one byte; scale = largest magnitude of the block / 127
 *
 * fp16 ends at 65504: larger values become that, as if the gradient was clipped. NaN and infinity remain so in fp16 and
 * bf16, and make every value of an int8 block NaN, so that the check of what was decoded finds them. tools/compile-encodings.ts
 * generates the arithmetic, encodings.wasm.
 */
import type { Compression } from '../contract/training.ts'
import type { ShardLayout } from './layout.ts'

export type Encoding = Exclude<Compression, 'none'>

/**
 * Of a block with one scale. The larger it is, the more values round to zero beside a large one of another layer; with 256
 * the scales are 1.6% of the body.
 */
export const BLOCK_VALUES = 256

interface Format {
  /** Bytes of a block before its values. */
  readonly headBytes: number
  readonly bytesPerValue: number
}

const FORMATS: Readonly<Record<Encoding, Format>> = {
  fp16: { headBytes: 0, bytesPerValue: 2 },
  bf16: { headBytes: 0, bytesPerValue: 2 },
  int8: { headBytes: 4, bytesPerValue: 1 },
}

export function encodedBytes(encoding: Encoding, values: number): number {
  const { headBytes, bytesPerValue } = FORMATS[encoding]
  return headBytes * Math.ceil(values / BLOCK_VALUES) + bytesPerValue * values
}

/** Of the body of a push to a shard. */
export function pushBytes(
  { trainable, statistic }: Pick<ShardLayout, 'trainable' | 'statistic'>,
  compression: Compression = 'none',
): number {
  const gradients = compression === 'none' ? 4 * trainable : encodedBytes(compression, trainable)
  return gradients + 4 * statistic
}
