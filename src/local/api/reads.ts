/** GET of an object, a list, a watch or a log. */
import type { ServerResponse } from 'node:http'
import { apiVersionOf } from '../store/resources.ts'
import { expired, invalidOption, StatusError, unsupportedOption } from '../store/status-error.ts'
import { send } from './http.ts'
import type { Page } from './pages.ts'
import { type ApiContext, type Request, wholeNumber } from './request.ts'
import { scaleOf } from './scale.ts'
import { tableOf, wantsTable } from './table.ts'
import { serveWatch } from './watch.ts'

const MATCHES = ['Exact', 'NotOlderThan']

export function get(context: ApiContext, request: Request, response: ServerResponse): Promise<void> | void {
  const { target, query } = request
  if (target.name && target.subresource === 'log')
    return context.serveLog(target.namespace ?? '', target.name, query, response)
  checkMatch(query)
  refuseFuture(context, query)
  if (query.get('watch') === 'true' || query.get('watch') === '1') return serveWatch(context, request, response)
  if (target.name) return getOne(context, request, response)
  list(context, request, response)
}

function getOne({ store, clock }: ApiContext, { target, accept }: Request, response: ServerResponse): void {
  const { resource, namespace, name = '', subresource } = target
  const object = store.get(resource, namespace, name)
  if (subresource === 'scale') return send(response, 200, scaleOf(object))
  send(response, 200, wantsTable(accept) ? tableOf(resource, [object], store.version, clock.nowMs()) : object)
}

function list(context: ApiContext, request: Request, response: ServerResponse): void {
  const { target, accept } = request
  const { resource } = target
  const page = pageOf(context, request)
  const metadata = {
    resourceVersion: String(page.version),
    ...(page.continue ? { continue: page.continue, remainingItemCount: page.remaining } : {}),
  }
  if (wantsTable(accept)) {
    const table = tableOf(resource, page.objects, page.version, context.clock.nowMs())
    return send(response, 200, { ...table, metadata })
  }
  const kind = `${resource.kind}List`
  send(response, 200, { kind, apiVersion: apiVersionOf(resource), metadata, items: page.objects })
}

function pageOf({ store, pages }: ApiContext, { target, query, matches }: Request): Page {
  const limit = wholeNumber(query, 'limit') ?? 0
  const token = query.get('continue')
  if (token) return pages.next(token, limit)
  const asked = wholeNumber(query, 'resourceVersion') ?? store.version
  if (query.get('resourceVersionMatch') === 'Exact' && asked !== store.version)
    throw expired(`The resourceVersion for the provided list is too old: ${asked} (${store.version})`)
  const objects = store.list(target.resource, target.namespace).filter(matches)
  return pages.first({ objects, version: store.version }, limit)
}

/** @throws StatusError 422 */
function checkMatch(query: URLSearchParams): void {
  const match = query.get('resourceVersionMatch') ?? ''
  const field = 'resourceVersionMatch'
  if (!['', ...MATCHES].includes(match)) throw unsupportedOption(field, JSON.stringify(match), MATCHES)
  const initial = query.get('sendInitialEvents') !== null
  if (initial && match !== 'NotOlderThan')
    throw invalidOption(field, 'Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan')
  if (match && query.get('watch') && !initial)
    throw invalidOption(
      field,
      'Forbidden: resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided',
    )
  if (match && !query.get('watch') && !query.get('resourceVersion'))
    throw invalidOption(field, 'Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided')
}

/** Refuses a version higher than the store's: the client has it from another cluster, or from before `--fresh`. */
function refuseFuture({ store }: ApiContext, query: URLSearchParams): void {
  const asked = wholeNumber(query, 'resourceVersion') ?? 0
  if (asked <= store.version) return
  throw new StatusError(504, 'Timeout', `Too large resource version: ${asked}, current: ${store.version}`, {}, [
    { reason: 'ResourceVersionTooLarge', field: '', message: 'Too large resource version' },
  ])
}
