/** GET ?watch=true: a JSON line an event, bookmarks for those who ask. */
import type { ServerResponse } from 'node:http'
import type { ApiServerOptions, Request } from './api-server.ts'
import type { Stored, StoredEvent } from './objects.ts'
import { apiVersionOf } from './resources.ts'
import { StatusError } from './status-error.ts'
import { tableOf, wantsTable } from './table.ts'

const BOOKMARK_EVERY_MS = 20_000
const DEFAULT_TIMEOUT_SECONDS = 1800

export function serveWatch({ store, clock }: ApiServerOptions, request: Request, response: ServerResponse): void {
  const { target, query, accept, matches } = request
  const { resource, namespace, name } = target
  const concerns = (object: Stored) =>
    (namespace === undefined || object.metadata.namespace === namespace) &&
    (name === undefined || object.metadata.name === name) &&
    matches(object)
  const line = (type: string, object: unknown) => void response.write(`${JSON.stringify({ type, object })}\n`)
  const tell = (type: string, object: Stored) =>
    line(type, wantsTable(accept) ? tableOf(resource, [object], store.version, clock.nowMs()) : object)

  /** Objects this watcher has been told of: one whose labels stop matching is DELETED to it. */
  const known = new Set<string>()
  const onEvent = ({ type, plural, object }: StoredEvent) => {
    if (plural !== resource.plural) return
    const { uid } = object.metadata
    const relevant = type !== 'DELETED' && concerns(object)
    if (relevant) tell(type, object)
    else if (known.has(uid) || (type === 'DELETED' && concerns(object))) tell('DELETED', object)
    if (relevant) known.add(uid)
    else known.delete(uid)
  }

  response.writeHead(200, { 'content-type': 'application/json' })
  response.flushHeaders()
  const version = query.get('resourceVersion') ?? ''
  const fresh = version === '' || version === '0'
  const existing = store.list(resource, namespace).filter(concerns)
  for (const { metadata } of existing) known.add(metadata.uid)
  if (fresh) for (const object of existing) tell('ADDED', object)
  let stop = () => {}
  try {
    stop = store.watch(fresh ? store.version : Number(version), onEvent)
  } catch (error) {
    if (!(error instanceof StatusError)) throw error
    line('ERROR', error.toStatus())
    return void response.end()
  }
  const bookmark = () => {
    const metadata = { resourceVersion: String(store.version) }
    line('BOOKMARK', { kind: resource.kind, apiVersion: apiVersionOf(resource), metadata })
  }
  const bookmarks =
    query.get('allowWatchBookmarks') === 'true' && !wantsTable(accept)
      ? setInterval(bookmark, BOOKMARK_EVERY_MS)
      : undefined
  const timeoutSeconds = Number(query.get('timeoutSeconds')) || DEFAULT_TIMEOUT_SECONDS
  const timeout = setTimeout(() => response.end(), timeoutSeconds * 1000)
  response.on('close', () => {
    stop()
    clearInterval(bookmarks)
    clearTimeout(timeout)
  })
}
