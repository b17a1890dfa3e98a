/** Decodes the bodies of compressed pushes into one region of float32 values, which the next call overwrites. */
import { CODEC_BYTES, Codec } from './codec.ts'
import { BLOCK_VALUES, type Encoding, encodedBytes, pushBytes } from './encodings.ts'
import type { ShardLayout } from './layout.ts'
import { Region, regionBytes } from './regions.ts'
import { Scanner } from './scan.ts'

/** Decoded before they are scanned, so that they are still in the processor's cache. */
const PIECE_VALUES = 64 * BLOCK_VALUES
const FLOAT_BYTES = 4

type Lengths = Pick<ShardLayout, 'trainable' | 'statistic'>

/** Bytes of memory of a decoder. */
export function decoderBytes(lengths: Lengths): number {
  return CODEC_BYTES + regionBytes(pushBytes(lengths))
}

export class Decoder {
  readonly #encoding: Encoding
  readonly #lengths: Lengths
  readonly #codec: Codec
  readonly #region: Region

  /** @param at position of `decoderBytes(lengths)`, a multiple of 64 */
  constructor(memory: WebAssembly.Memory, at: number, encoding: Encoding, lengths: Lengths) {
    this.#encoding = encoding
    this.#lengths = lengths
    this.#codec = new Codec(memory, at, encoding)
    this.#region = new Region(memory, new Scanner(memory), at + CODEC_BYTES, pushBytes(lengths))
  }

  /** @param body of a push in the same memory. @returns gradients, then batch statistics, and whether they are finite */
  decode({ position, bytes }: Region): Region {
    const { trainable } = this.#lengths
    const region = this.#region.open(pushBytes(this.#lengths))
    for (let from = 0; from < trainable; from += PIECE_VALUES) {
      const values = Math.min(PIECE_VALUES, trainable - from)
      const at = position + encodedBytes(this.#encoding, from)
      this.#codec.decode(at, region.position + FLOAT_BYTES * from, values)
      region.advance(FLOAT_BYTES * (from + values))
    }
    region.bytes.set(bytes.subarray(encodedBytes(this.#encoding, trainable)), FLOAT_BYTES * trainable)
    region.finish()
    return region
  }
}
