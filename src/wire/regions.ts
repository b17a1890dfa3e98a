/** Places for large bodies inside of a WebAssembly memory, so that they are received and used without a copy. */
import { DownpourError } from '../support/errors.ts'
import { BLOCK_BYTES, Scanner, STATE_BYTES } from './scan.ts'

/** Bodies begin at the start of a cache line, after the state of their scan. */
const LINE_BYTES = 64
const BODY_AT = Math.ceil(STATE_BYTES / LINE_BYTES) * LINE_BYTES

/** What is sent: the bytes and their checksum (`checksumOf`). */
export interface CheckedBody {
  readonly bytes: Uint8Array
  readonly checksum: number
}

/** Bytes of memory of a region for bodies of at most `capacityBytes`. */
export function regionBytes(capacityBytes: number): number {
  return BODY_AT + Math.ceil(capacityBytes / LINE_BYTES) * LINE_BYTES
}

/** One body, which is scanned while it arrives: what has just been written is still in the processor's cache. */
export class Region implements CheckedBody {
  readonly #memory: WebAssembly.Memory
  readonly #scanner: Scanner
  readonly #state: number
  readonly #capacityBytes: number
  /** The body, and zeros up to the end of its last block. */
  #blocks: Uint8Array
  #bytes: Uint8Array
  #scannedBytes = 0
  #checksum = 0
  #isFinite = false

  /** @param at position in the memory of `regionBytes(capacityBytes)`, a multiple of 64 */
  constructor(memory: WebAssembly.Memory, scanner: Scanner, at: number, capacityBytes: number) {
    this.#memory = memory
    this.#scanner = scanner
    this.#state = at
    this.#capacityBytes = capacityBytes
    this.#blocks = this.#bytes = new Uint8Array(memory.buffer, this.position, 0)
  }

  /** Of the body in the memory, in bytes. */
  get position(): number {
    return this.#state + BODY_AT
  }

  get bytes(): Uint8Array {
    return this.#bytes
  }

  /** Known after `finish`. */
  get checksum(): number {
    return this.#checksum
  }

  /** Whether every float32, and its square, is finite. Known after `finish`. */
  get isFinite(): boolean {
    return this.#isFinite
  }

  /** Begins a body. What is in the memory remains there. @throws RangeError above the capacity */
  open(bytes: number): this {
    if (bytes > this.#capacityBytes) throw new RangeError(`a body of ${bytes} bytes in ${this.#capacityBytes}`)
    const whole = Math.ceil(bytes / BLOCK_BYTES) * BLOCK_BYTES
    this.#blocks = new Uint8Array(this.#memory.buffer, this.position, whole)
    this.#bytes = this.#blocks.subarray(0, bytes)
    this.#blocks.fill(0, bytes)
    this.#scannedBytes = 0
    this.#scanner.start(this.#state)
    return this
  }

  /** Call when the first `filledBytes` of the body have been written. */
  advance(filledBytes: number): void {
    const whole = filledBytes - (filledBytes % BLOCK_BYTES)
    this.#scanner.scan(this.#state, this.position + this.#scannedBytes, whole - this.#scannedBytes)
    this.#scannedBytes = whole
  }

  /** Call when the body is complete. */
  finish(): void {
    this.advance(this.#blocks.length)
    this.#settle()
  }

  /**
   * The same for a body that was scanned, or summed up, in parts of `partBytes`, a multiple of 16, of which the last may be shorter.
   * @param states position of the state of the first part; the others follow
   */
  finishParts(states: number, partBytes: number): void {
    const { length } = this.#blocks
    for (let i = 0; i * partBytes < length; i++)
      this.#scanner.join(this.#state, states + i * STATE_BYTES, Math.min(partBytes, length - i * partBytes))
    this.#scannedBytes = length
    this.#settle()
  }

  #settle(): void {
    this.#checksum = this.#bytes.length === 0 ? 0 : this.#scanner.checksum(this.#state)
    this.#isFinite = this.#scanner.isFinite(this.#state)
  }

  /** The body as float32 values. */
  get floats(): Float32Array {
    return new Float32Array(this.#memory.buffer, this.position, this.#bytes.length / 4)
  }
}

const PAGE_BYTES = 65536
/** The limit of a WebAssembly memory, 4 GiB. */
const MAX_PAGES = 65536

/** @throws DownpourError LAYOUT_TOO_LARGE with this message above 4 GiB */
export function memoryOf(bytes: number, tooLarge: string): WebAssembly.Memory {
  const pages = Math.ceil(bytes / PAGE_BYTES)
  if (pages > MAX_PAGES) throw new DownpourError('LAYOUT_TOO_LARGE', tooLarge, { bytes })
  return new WebAssembly.Memory({ initial: pages, maximum: pages })
}

/**
 * An open region with a memory of its own.
 * @throws DownpourError LAYOUT_TOO_LARGE above 4 GiB
 */
export function standAlone(bytes: number): Region {
  const memory = memoryOf(regionBytes(bytes), `${bytes} bytes for one parameter server: use more of them`)
  return new Region(memory, new Scanner(memory), 0, bytes).open(bytes)
}

interface Waiter {
  bytes: number
  resolve(region: Region): void
}

/**
 * A fixed number of regions of one capacity. Memory that no body has used yet is not resident: the region with the lowest
 * position is given out first.
 */
export class Regions {
  /** Called after each release, so that callers that got null can try again. */
  onRoom: () => void = () => {}
  readonly #memory: WebAssembly.Memory
  readonly #idle: Region[]
  /** By the position of the body. */
  readonly #lent = new Map<number, Region>()
  readonly #waiters: Waiter[] = []

  /** @param at position of the first region, a multiple of 64 */
  constructor(memory: WebAssembly.Memory, at: number, capacityBytes: number, count: number) {
    this.#memory = memory
    const scanner = new Scanner(memory)
    const stride = regionBytes(capacityBytes)
    this.#idle = Array.from({ length: count }, (_, i) => new Region(memory, scanner, at + i * stride, capacityBytes))
  }

  /** Number of regions that hold a body. */
  get inUse(): number {
    return this.#lent.size
  }

  /** Number of callers that wait in `take`. */
  get waiting(): number {
    return this.#waiters.length
  }

  /** An open region for a body of `bytes`; null while none is free. */
  acquire(bytes: number): Region | null {
    const region = this.#idle.shift()?.open(bytes)
    if (!region) return null
    this.#lent.set(region.position, region)
    return region
  }

  /** Like `acquire`, but waits for room, first come first served. */
  take(bytes: number): Promise<Region> {
    const now = this.#waiters.length === 0 ? this.acquire(bytes) : null
    if (now) return Promise.resolve(now)
    return new Promise((resolve) => this.#waiters.push({ bytes, resolve }))
  }

  /** The region that holds this body; undefined: it is elsewhere. */
  holding(body: Uint8Array): Region | undefined {
    return body.buffer === this.#memory.buffer ? this.#lent.get(body.byteOffset) : undefined
  }

  /** Ignores bodies that are elsewhere, and a second release. */
  release(body: Uint8Array): void {
    const region = this.holding(body)
    if (!region) return
    this.#lent.delete(region.position)
    const next = this.#idle.findIndex(({ position }) => position > region.position)
    this.#idle.splice(next < 0 ? this.#idle.length : next, 0, region)
    this.#serveWaiters()
    this.onRoom()
  }

  #serveWaiters(): void {
    for (let next = this.#waiters[0]; next; next = this.#waiters[0]) {
      const region = this.acquire(next.bytes)
      if (!region) return
      this.#waiters.shift()
      next.resolve(region)
    }
  }
}
