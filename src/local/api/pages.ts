/** `limit` and `continue`: all pages of a list come from the snapshot that its first page was taken from. */
import { randomUUID } from 'node:crypto'
import type { Clock } from '../../support/clock.ts'
import type { Stored } from '../store/objects.ts'
import { badRequest, expired } from '../store/status-error.ts'

/** The API server compacts etcd every 5 minutes by default, after which a continue token expires. */
const KEPT_MS = 5 * 60_000
const KEPT_LISTS = 64

export interface Listing {
  objects: readonly Stored[]
  version: number
}

export interface Page extends Listing {
  /** Absent on the last page. */
  continue?: string
  remaining?: number
}

export class Pages {
  readonly #clock: Clock
  readonly #lists = new Map<string, Listing & { madeAtMs: number }>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  first(listing: Listing, limit: number): Page {
    if (limit === 0 || listing.objects.length <= limit) return listing
    this.#dropExpired()
    const id = randomUUID()
    this.#lists.set(id, { ...listing, madeAtMs: this.#clock.monotonicMs() })
    return slice(listing, id, 0, limit)
  }

  /** @throws StatusError 400 for an invalid token, 410 for an expired one */
  next(token: string, limit: number): Page {
    const [id = '', start] = Buffer.from(token, 'base64url').toString().split('/')
    if (!/^\d+$/.test(start ?? '')) throw badRequest('continue key is not valid')
    this.#dropExpired()
    const listing = this.#lists.get(id)
    if (listing) return slice(listing, id, Number(start), limit)
    throw expired('The provided continue parameter is too old to display a consistent list result. Start a new list.')
  }

  #dropExpired(): void {
    const oldestMs = this.#clock.monotonicMs() - KEPT_MS
    for (const [id, { madeAtMs }] of this.#lists)
      if (madeAtMs < oldestMs || this.#lists.size >= KEPT_LISTS) this.#lists.delete(id)
  }
}

function slice({ objects, version }: Listing, id: string, start: number, limit: number): Page {
  const end = limit === 0 ? objects.length : start + limit
  const page = { objects: objects.slice(start, end), version }
  if (end >= objects.length) return page
  return { ...page, continue: Buffer.from(`${id}/${end}`).toString('base64url'), remaining: objects.length - end }
}
