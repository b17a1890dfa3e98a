/**
 * Compresses the pushes of a worker to one parameter server with error feedback: what a push loses by its encoding, the
 * residual, is added to the next gradient. All arrays are in one WebAssembly memory.
 */
import { CODEC_BYTES, Codec } from './codec.ts'
import { BLOCK_VALUES, type Encoding, encodedBytes, pushBytes } from './encodings.ts'
import type { ShardLayout } from './layout.ts'
import { type CheckedBody, memoryOf, Region, regionBytes } from './regions.ts'
import { Scanner } from './scan.ts'

/** Encoded before they are scanned, so that they are still in the processor's cache. */
const PIECE_VALUES = 64 * BLOCK_VALUES
const FLOAT_BYTES = 4

type Lengths = Pick<ShardLayout, 'trainable' | 'statistic'>

export class Encoder {
  /** Gradients, then batch statistics: what the next push is made of. */
  readonly gradients: Region
  readonly #encoding: Encoding
  readonly #lengths: Lengths
  readonly #codec: Codec
  readonly #body: Region
  /** The residual, and the one after the push that is under way; they change places. */
  #residual: Float32Array
  #next: Float32Array

  /** @throws DownpourError LAYOUT_TOO_LARGE above 4 GiB */
  constructor(encoding: Encoding, lengths: Lengths) {
    this.#encoding = encoding
    this.#lengths = lengths
    const [plain, encoded] = [pushBytes(lengths), pushBytes(lengths, encoding)]
    const residualBytes = regionBytes(FLOAT_BYTES * lengths.trainable)
    const sizes = [CODEC_BYTES, regionBytes(plain), regionBytes(encoded), residualBytes, residualBytes]
    const memory = sharedBy(sizes)
    const [codec, gradients, body, residual, next] = startsOf(sizes)
    const scanner = new Scanner(memory)
    this.#codec = new Codec(memory, codec, encoding)
    this.gradients = new Region(memory, scanner, gradients, plain).open(plain)
    this.#body = new Region(memory, scanner, body, encoded)
    this.#residual = new Float32Array(memory.buffer, residual, lengths.trainable)
    this.#next = new Float32Array(memory.buffer, next, lengths.trainable)
  }

  /** What encodings have lost and no push has sent yet. */
  get residual(): Float32Array {
    return this.#residual
  }

  /** Encodes `gradients` into the body of a push, which remains unchanged until the next call. Changes no residual. */
  encode(): CheckedBody {
    const { trainable } = this.#lengths
    this.#body.open(pushBytes(this.#lengths, this.#encoding))
    for (let from = 0; from < trainable; from += PIECE_VALUES) {
      const values = Math.min(PIECE_VALUES, trainable - from)
      this.#codec.encode(this.#positionsAt(from), values)
      this.#body.advance(encodedBytes(this.#encoding, from + values))
    }
    const statistics = this.gradients.bytes.subarray(FLOAT_BYTES * trainable)
    this.#body.bytes.set(statistics, encodedBytes(this.#encoding, trainable))
    this.#body.finish()
    return this.#body
  }

  /** Call when the last encoded push was applied. One that was refused leaves the residual as it was. */
  settle(): void {
    const before = this.#residual
    this.#residual = this.#next
    this.#next = before
  }

  #positionsAt(from: number) {
    const byte = FLOAT_BYTES * from
    return {
      gradient: this.gradients.position + byte,
      residual: this.#residual.byteOffset + byte,
      next: this.#next.byteOffset + byte,
      to: this.#body.position + encodedBytes(this.#encoding, from),
    }
  }
}

function startsOf(sizes: readonly number[]): [number, number, number, number, number] {
  return sizes.map((_, i) => sizes.slice(0, i).reduce((sum, size) => sum + size, 0)) as never
}

function sharedBy(sizes: readonly number[]): WebAssembly.Memory {
  const bytes = sizes.reduce((sum, size) => sum + size, 0)
  return memoryOf(
    bytes,
    `compressing the gradients for one parameter server takes ${bytes} bytes, and the limit is 4 GiB: use more parameter servers, or async.compression: none`,
  )
}
