/** Buffers whose total size is limited. */
export class BufferPool {
  readonly #limitBytes: number
  readonly #onRoom: () => void
  /** Acquired and not yet released. Other buffers, and a second release, are ignored. */
  readonly #lent = new Set<ArrayBufferLike>()
  #inUse = 0

  /** @param onRoom called after each release, so that callers that got null can try again */
  constructor(options: { limitBytes: number; onRoom?: () => void }) {
    this.#limitBytes = options.limitBytes
    this.#onRoom = options.onRoom ?? (() => {})
  }

  get inUseBytes(): number {
    return this.#inUse
  }

  /** Exactly `bytes` long; null while the limit is exhausted. The first buffer may exceed the limit. */
  acquire(bytes: number): Uint8Array | null {
    if (this.#inUse > 0 && this.#inUse + bytes > this.#limitBytes) return null
    // `new ArrayBuffer` would fill it with zeros.
    const buffer = Buffer.allocUnsafeSlow(bytes)
    this.#lent.add(buffer.buffer)
    this.#inUse += bytes
    return buffer
  }

  /** Releases a buffer of `acquire`. Ignores other buffers, and a second release. */
  release({ buffer }: Uint8Array): void {
    if (!this.#lent.delete(buffer)) return
    this.#inUse -= buffer.byteLength
    this.#onRoom()
  }
}
