interface Waiter {
  bytes: number
  resolve(view: Uint8Array): void
}

/** Large buffers used again: a fresh 80 MB one costs more in page faults than the copy into it. */
export class BufferPool {
  readonly #limitBytes: number
  readonly #keep: number
  readonly #onRoom: () => void
  /** Given out and not yet back: nothing else is taken back, and nothing twice. */
  readonly #lent = new Set<ArrayBufferLike>()
  readonly #waiters: Waiter[] = []
  #idle: ArrayBuffer[] = []
  #inUse = 0

  /** @param onRoom called after each release: whoever got null may try again. */
  constructor(options: { limitBytes: number; keep?: number; onRoom?: () => void }) {
    this.#limitBytes = options.limitBytes
    this.#keep = options.keep ?? 4
    this.#onRoom = options.onRoom ?? (() => {})
  }

  get inUseBytes(): number {
    return this.#inUse
  }

  /** How many wait in `take`. */
  get waiting(): number {
    return this.#waiters.length
  }

  /** Exactly `bytes` long; null while the limit is used up. One buffer is always given out, however large. */
  acquire(bytes: number): Uint8Array | null {
    if (this.#inUse > 0 && this.#inUse + bytes > this.#limitBytes) return null
    const index = this.#idle.findIndex(({ byteLength }) => byteLength >= bytes && byteLength <= 2 * bytes + 4096)
    const [found] = index < 0 ? [] : this.#idle.splice(index, 1)
    // Not `new ArrayBuffer`, which would fill it with zeros first.
    const buffer = found ?? (Buffer.allocUnsafeSlow(bytes).buffer as ArrayBuffer)
    this.#lent.add(buffer)
    this.#inUse += buffer.byteLength
    return new Uint8Array(buffer, 0, bytes)
  }

  /** As `acquire`, but waits in turn for room. */
  take(bytes: number): Promise<Uint8Array> {
    const now = this.#waiters.length === 0 ? this.acquire(bytes) : null
    if (now) return Promise.resolve(now)
    return new Promise((resolve) => this.#waiters.push({ bytes, resolve }))
  }

  /** Takes back what `acquire` or `take` gave; anything else, and the same a second time, is ignored. */
  release({ buffer }: Uint8Array): void {
    if (!this.#lent.delete(buffer)) return
    this.#inUse -= buffer.byteLength
    if (this.#idle.length < this.#keep) this.#idle.push(buffer as ArrayBuffer)
    this.#serveWaiters()
    this.#onRoom()
  }

  #serveWaiters(): void {
    for (let next = this.#waiters[0]; next; next = this.#waiters[0]) {
      const view = this.acquire(next.bytes)
      if (!view) return
      this.#waiters.shift()
      next.resolve(view)
    }
  }
}
