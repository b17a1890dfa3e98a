/** Large buffers used again: a fresh 80 MB one costs more in page faults than the copy into it. */
export class BufferPool {
  readonly #limitBytes: number
  readonly #keep: number
  #idle: Buffer[] = []
  #inUse = 0
  readonly #onRoom: () => void

  /** @param onRoom called after each release: whoever got null may try again. */
  constructor(options: { limitBytes: number; keep?: number; onRoom?: () => void }) {
    this.#limitBytes = options.limitBytes
    this.#keep = options.keep ?? 4
    this.#onRoom = options.onRoom ?? (() => {})
  }

  get inUseBytes(): number {
    return this.#inUse
  }

  /** Exactly `bytes` long; null while the limit is used up. One buffer is always given out, however large. */
  acquire(bytes: number): Uint8Array | null {
    if (this.#inUse > 0 && this.#inUse + bytes > this.#limitBytes) return null
    const index = this.#idle.findIndex((buffer) => buffer.length >= bytes && buffer.length <= 2 * bytes + 4096)
    const [found] = index < 0 ? [] : this.#idle.splice(index, 1)
    const buffer = found ?? Buffer.allocUnsafeSlow(bytes)
    this.#inUse += buffer.length
    return new Uint8Array(buffer.buffer, 0, bytes)
  }

  /** Takes back what `acquire` gave; anything else is ignored. */
  release(view: Uint8Array): void {
    if (view.byteOffset !== 0 || view.length === 0) return
    const buffer = Buffer.from(view.buffer as ArrayBuffer)
    this.#inUse -= buffer.length
    if (this.#idle.length < this.#keep) this.#idle.push(buffer)
    this.#onRoom()
  }
}
