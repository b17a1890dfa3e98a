/** Limits connections that have not been authenticated yet, in number and in time. */
export interface PendingOptions {
  limit: number
  /** How long a connection may be pending. Absent: without limit while there is room. */
  timeoutMs?: number
}

interface Pending {
  address: string
  close: (reason: 'late' | 'crowded') => void
  timer: NodeJS.Timeout | undefined
}

/**
 * When there is one connection too many, closes the oldest of the address that has the most: a peer that opens thousands
 * loses its own connections, and a peer that has just connected keeps the time to authenticate.
 */
export class PendingConnections<Key> {
  readonly #options: PendingOptions
  readonly #pending = new Map<Key, Pending>()
  readonly #byAddress = new Map<string, Set<Key>>()

  constructor(options: PendingOptions) {
    this.#options = options
  }

  get size(): number {
    return this.#pending.size
  }

  has(key: Key): boolean {
    return this.#pending.has(key)
  }

  /** @param close called at most once, on timeout or when a newer connection needs the place; never after `remove` */
  add(key: Key, address: string, close: Pending['close']): void {
    this.#pending.set(key, { address, close, timer: this.#timerOf(key) })
    const ofAddress = this.#byAddress.get(address) ?? new Set()
    this.#byAddress.set(address, ofAddress.add(key))
    if (this.#pending.size > this.#options.limit) this.#close(this.#oldestOfMost(), 'crowded')
  }

  /** Restarts the timeout of the connection. */
  extend(key: Key): void {
    const pending = this.#pending.get(key)
    if (!pending) return
    clearTimeout(pending.timer)
    pending.timer = this.#timerOf(key)
  }

  /** To be called when the connection has closed or is authenticated. */
  remove(key: Key): void {
    const pending = this.#pending.get(key)
    if (!pending) return
    clearTimeout(pending.timer)
    this.#pending.delete(key)
    const ofAddress = this.#byAddress.get(pending.address)
    ofAddress?.delete(key)
    if (ofAddress?.size === 0) this.#byAddress.delete(pending.address)
  }

  #timerOf(key: Key): NodeJS.Timeout | undefined {
    const { timeoutMs } = this.#options
    return timeoutMs === undefined ? undefined : setTimeout(() => this.#close(key, 'late'), timeoutMs).unref()
  }

  #close(key: Key, reason: 'late' | 'crowded'): void {
    const pending = this.#pending.get(key)
    this.remove(key)
    pending?.close(reason)
  }

  #oldestOfMost(): Key {
    const most = [...this.#byAddress.values()].reduce((a, b) => (b.size > a.size ? b : a))
    const [oldest] = most
    return oldest as Key
  }
}
