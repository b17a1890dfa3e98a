/** GET ?watch=true: sends each event as a JSON line, and bookmarks to clients that request them. */
import type { ServerResponse } from 'node:http'
import type { Stored, StoredEvent } from '../store/objects.ts'
import { apiVersionOf } from '../store/resources.ts'
import { StatusError } from '../store/status-error.ts'
import { type ApiContext, type Request, wholeNumber } from './request.ts'
import { tableOf, wantsTable } from './table.ts'

const BOOKMARK_EVERY_MS = 20_000
const DEFAULT_TIMEOUT_SECONDS = 1800
const INITIAL_EVENTS_END = 'k8s.io/initial-events-end'

export function serveWatch({ store, clock }: ApiContext, request: Request, response: ServerResponse): void {
  const { target, query, accept } = request
  const { resource } = target
  const version = wholeNumber(query, 'resourceVersion') ?? 0
  const timeoutSeconds = wholeNumber(query, 'timeoutSeconds') || DEFAULT_TIMEOUT_SECONDS
  const isSelected = predicateOf(request)
  const sendLine = (type: string, object: unknown) => void response.write(`${JSON.stringify({ type, object })}\n`)
  const sendObject = (type: string, object: Stored) =>
    sendLine(type, wantsTable(accept) ? tableOf(resource, [object], store.version, clock.nowMs()) : object)
  const onEvent = (event: StoredEvent) => {
    const type = event.plural === resource.plural ? typeFor(event, isSelected) : undefined
    if (type) sendObject(type, event.object)
  }
  const wantsBookmarks = query.get('allowWatchBookmarks') === 'true' && !wantsTable(accept)
  const sendBookmark = (annotations?: Record<string, string>) => {
    const metadata = { resourceVersion: String(store.version), ...(annotations ? { annotations } : {}) }
    if (wantsBookmarks) sendLine('BOOKMARK', { kind: resource.kind, apiVersion: apiVersionOf(resource), metadata })
  }

  response.writeHead(200, { 'content-type': 'application/json' })
  response.flushHeaders()
  const initial = version === 0 || query.get('sendInitialEvents') === 'true'
  if (initial)
    for (const object of store.list(resource, target.namespace).filter(isSelected)) sendObject('ADDED', object)
  if (query.get('sendInitialEvents') === 'true') sendBookmark({ [INITIAL_EVENTS_END]: 'true' })
  let stop = () => {}
  try {
    stop = store.watch(initial ? store.version : version, onEvent)
  } catch (error) {
    if (!(error instanceof StatusError)) throw error
    sendLine('ERROR', error.toStatus())
    return void response.end()
  }
  const bookmarks = setInterval(sendBookmark, BOOKMARK_EVERY_MS)
  const end = () => {
    // The last bookmark lets the next watch begin at this version, even if there were no events.
    sendBookmark()
    response.end()
  }
  const timeout = setTimeout(end, timeoutSeconds * 1000)
  response.on('close', () => {
    stop()
    clearInterval(bookmarks)
    clearTimeout(timeout)
  })
}

function predicateOf({ target, matches }: Request): (object: Stored) => boolean {
  const { namespace, name } = target
  return (object) =>
    (namespace === undefined || object.metadata.namespace === namespace) &&
    (name === undefined || object.metadata.name === name) &&
    matches(object)
}

/** For a watch with a selector, an object that begins to match is ADDED, and one that no longer matches is DELETED. */
function typeFor({ type, object, before }: StoredEvent, isSelected: (object: Stored) => boolean): string | undefined {
  const matchedBefore = before !== undefined && isSelected(before)
  const matchesNow = type !== 'DELETED' && isSelected(object)
  if (matchesNow) return matchedBefore ? 'MODIFIED' : 'ADDED'
  return matchedBefore ? 'DELETED' : undefined
}
