interface Waiter {
  bytes: number
  resolve(view: Uint8Array): void
}

/** Reuses large buffers: the page faults of a new 80 MB buffer cost more than the copy into it. */
export class BufferPool {
  readonly #limitBytes: number
  readonly #keep: number
  readonly #onRoom: () => void
  /** Acquired and not yet released. Other buffers, and a second release, are ignored. */
  readonly #lent = new Set<ArrayBufferLike>()
  readonly #waiters: Waiter[] = []
  #idle: ArrayBuffer[] = []
  #inUse = 0

  /** @param onRoom called after each release, so that callers that got null can try again */
  constructor(options: { limitBytes: number; keep?: number; onRoom?: () => void }) {
    this.#limitBytes = options.limitBytes
    this.#keep = options.keep ?? 4
    this.#onRoom = options.onRoom ?? (() => {})
  }

  get inUseBytes(): number {
    return this.#inUse
  }

  /** Number of callers that wait in `take`. */
  get waiting(): number {
    return this.#waiters.length
  }

  /** Exactly `bytes` long; null while the limit is exhausted. The first buffer may exceed the limit. */
  acquire(bytes: number): Uint8Array | null {
    if (this.#inUse > 0 && this.#inUse + bytes > this.#limitBytes) return null
    const index = this.#idle.findIndex(({ byteLength }) => byteLength >= bytes && byteLength <= 2 * bytes + 4096)
    const [found] = index < 0 ? [] : this.#idle.splice(index, 1)
    // `new ArrayBuffer` would fill it with zeros.
    const buffer = found ?? (Buffer.allocUnsafeSlow(bytes).buffer as ArrayBuffer)
    this.#lent.add(buffer)
    this.#inUse += buffer.byteLength
    return new Uint8Array(buffer, 0, bytes)
  }

  /** Like `acquire`, but waits for room, first come first served. */
  take(bytes: number): Promise<Uint8Array> {
    const now = this.#waiters.length === 0 ? this.acquire(bytes) : null
    if (now) return Promise.resolve(now)
    return new Promise((resolve) => this.#waiters.push({ bytes, resolve }))
  }

  /** Releases a buffer of `acquire` or `take`. Ignores other buffers, and a second release. */
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
