/** HTTP for the store: the verbs of the Kubernetes API, on 127.0.0.1, for those who have the token. */
import { timingSafeEqual } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { loadAll } from 'js-yaml'
import type { Clock } from '../support/clock.ts'
import { DownpourError, errorMessage } from '../support/errors.ts'
import type { Log } from '../support/log.ts'
import { discoveryOf } from './discovery.ts'
import { isObject, type Stored } from './objects.ts'
import { applyPatch } from './patch.ts'
import { apiVersionOf, type Target, targetOf } from './resources.ts'
import { fieldPredicate, labelPredicate, type Predicate } from './selectors.ts'
import { badRequest, notFound, StatusError } from './status-error.ts'
import type { ObjectStore } from './store.ts'
import { tableOf, wantsTable } from './table.ts'
import { serveWatch } from './watch.ts'

export interface ApiServerOptions {
  store: ObjectStore
  port: number
  token: string
  clock: Clock
  log: Log
  /** GET pods/NAME/log. */
  serveLog: (namespace: string, pod: string, query: URLSearchParams, response: ServerResponse) => Promise<void>
}

const MAX_BODY_BYTES = 4 * 2 ** 20

export interface Request {
  target: Target
  query: URLSearchParams
  accept: string | undefined
  body: unknown
  contentType: string
  matches: Predicate
}

/** @throws DownpourError PORT_TAKEN */
export async function startApiServer(options: ApiServerOptions): Promise<Server> {
  const server = createServer((request, response) => {
    handle(options, request, response).catch((error) => sendError(response, error, options.log))
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const taken = error.code === 'EADDRINUSE'
      reject(
        taken
          ? new DownpourError(
              'PORT_TAKEN',
              `port ${options.port} of 127.0.0.1 is in use; choose another`,
              {},
              { cause: error },
            )
          : error,
      )
    })
    server.listen(options.port, '127.0.0.1', resolve)
  })
  return server
}

async function handle(options: ApiServerOptions, incoming: IncomingMessage, response: ServerResponse): Promise<void> {
  if (!authorised(incoming.headers.authorization, options.token))
    throw new StatusError(401, 'Unauthorized', 'Unauthorized')
  const url = new URL(incoming.url ?? '/', 'http://localhost')
  if (/^\/(healthz|livez|readyz)$/.test(url.pathname)) return void response.end('ok')
  const discovery = discoveryOf(url.pathname)
  if (discovery) return send(response, 200, discovery)
  const target = targetOf(url.pathname)
  if (!target) throw new StatusError(404, 'NotFound', 'the server could not find the requested resource')
  const request: Request = {
    target,
    query: url.searchParams,
    accept: incoming.headers.accept,
    contentType: incoming.headers['content-type'] ?? '',
    body: await readBody(incoming),
    matches: predicateOf(url.searchParams),
  }
  const verb = VERBS[incoming.method ?? '']
  if (!verb) throw new StatusError(405, 'MethodNotAllowed', 'the server does not allow this method')
  await verb(options, request, response)
}

type Verb = (options: ApiServerOptions, request: Request, response: ServerResponse) => Promise<void> | void

const VERBS: Readonly<Record<string, Verb>> = {
  GET: get,
  POST: (options, { target, body }, response) => {
    const object = objectBody(body)
    const namespace = target.resource.namespaced
      ? (target.namespace ?? object.metadata?.namespace ?? 'default')
      : undefined
    send(response, 201, options.store.create(target.resource, namespace, object))
  },
  PUT: (options, { target, body }, response) => {
    const current = currentOf(options, target)
    send(response, 200, write(options, target, current, objectBody(body)))
  },
  PATCH: patch,
  DELETE: remove,
}

async function get(options: ApiServerOptions, request: Request, response: ServerResponse): Promise<void> {
  const { target, query, accept, matches } = request
  const { resource, namespace, name, subresource } = target
  const { store, clock } = options
  if (name && subresource === 'log') return options.serveLog(namespace ?? '', name, query, response)
  if (name && query.get('watch') !== 'true') {
    const object = store.get(resource, namespace, name)
    if (subresource === 'scale') return send(response, 200, scaleOf(object))
    return send(response, 200, wantsTable(accept) ? tableOf(resource, [object], store.version, clock.nowMs()) : object)
  }
  if (query.get('watch') === 'true') return serveWatch(options, request, response)
  const found = store.list(resource, namespace).filter(matches)
  if (wantsTable(accept)) return send(response, 200, tableOf(resource, found, store.version, clock.nowMs()))
  const metadata = { resourceVersion: String(store.version) }
  send(response, 200, {
    kind: `${resource.kind}List`,
    apiVersion: apiVersionOf(resource),
    metadata,
    ...page(found, query, metadata),
  })
}

/** `continue` is the number of objects already given: versions between two pages may differ, as after a 410 on a real one. */
function page(found: Stored[], query: URLSearchParams, metadata: Record<string, unknown>): { items: Stored[] } {
  const start = Number(query.get('continue') ?? 0)
  const limit = Number(query.get('limit') ?? 0) || found.length
  if (start + limit < found.length) metadata.continue = String(start + limit)
  return { items: found.slice(start, start + limit) }
}

function patch(
  options: ApiServerOptions,
  { target, body, contentType, query }: Request,
  response: ServerResponse,
): void {
  const { resource, namespace, name = '' } = target
  const existing = options.store.find(resource, namespace, name)
  const applying = contentType.startsWith('application/apply-patch')
  if (!existing && applying) {
    const metadata = { ...(body as Stored).metadata, name }
    return send(response, 201, options.store.create(resource, namespace, { ...(body as Stored), metadata }))
  }
  const current = existing ?? failNotFound(target)
  if (target.subresource === 'scale') {
    const replicas = (body as { spec?: { replicas?: number } }).spec?.replicas
    const workers = { ...(current.spec?.workers as object), replicas }
    return send(
      response,
      200,
      scaleOf(options.store.update(resource, current, { ...current, spec: { ...current.spec, workers } }, 'object')),
    )
  }
  const { resourceVersion: _stored, ...metadata } = current.metadata
  const next = applyPatch(contentType, { ...current, metadata }, body) as Stored
  if (query.get('dryRun') === 'All') return send(response, 200, next)
  send(response, 200, write(options, target, current, next))
}

function remove(options: ApiServerOptions, { target, body, query, matches }: Request, response: ServerResponse): void {
  const { resource, namespace, name } = target
  const wanted = (isObject(body) ? body : {}) as {
    preconditions?: { uid?: string; resourceVersion?: string }
    gracePeriodSeconds?: number
  }
  const grace = query.get('gracePeriodSeconds')
  const deletion = {
    ...wanted.preconditions,
    ...(wanted.gracePeriodSeconds === undefined ? {} : { gracePeriodSeconds: wanted.gracePeriodSeconds }),
    ...(grace === null ? {} : { gracePeriodSeconds: Number(grace) }),
  }
  if (name === undefined) {
    const gone = options.store
      .list(resource, namespace)
      .filter(matches)
      .map((object) => options.store.delete(resource, object, deletion))
    return send(response, 200, {
      kind: `${resource.kind}List`,
      apiVersion: apiVersionOf(resource),
      metadata: {},
      items: gone,
    })
  }
  send(response, 200, options.store.delete(resource, currentOf(options, target), deletion))
}

function write({ store }: ApiServerOptions, target: Target, current: Stored, next: Stored): Stored {
  return store.update(target.resource, current, next, target.subresource === 'status' ? 'status' : 'object')
}

function currentOf({ store }: ApiServerOptions, { resource, namespace, name = '' }: Target): Stored {
  return store.get(resource, namespace, name)
}

function failNotFound({ resource, name = '' }: Target): never {
  throw notFound(resource, name)
}

function scaleOf(object: Stored): Record<string, unknown> {
  const { name, namespace, uid, resourceVersion } = object.metadata
  const status = object.status as { workersReady?: number; workerSelector?: string } | undefined
  return {
    kind: 'Scale',
    apiVersion: 'autoscaling/v1',
    metadata: { name, namespace, uid, resourceVersion },
    spec: { replicas: (object.spec?.workers as { replicas?: number } | undefined)?.replicas ?? 0 },
    status: { replicas: status?.workersReady ?? 0, selector: status?.workerSelector ?? '' },
  }
}

function predicateOf(query: URLSearchParams): Predicate {
  const label = labelPredicate(query.get('labelSelector') ?? '')
  const field = fieldPredicate(query.get('fieldSelector') ?? '')
  return (object) => label(object) && field(object)
}

function objectBody(body: unknown): Stored {
  if (isObject(body) && isObject(body.metadata)) return body as unknown as Stored
  throw badRequest('the body must be an object with metadata')
}

async function readBody(incoming: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes > MAX_BODY_BYTES)
      throw new StatusError(413, 'RequestEntityTooLarge', `the body is larger than ${MAX_BODY_BYTES} bytes`)
    chunks.push(chunk)
  }
  if (bytes === 0) return undefined
  try {
    const text = Buffer.concat(chunks).toString('utf8')
    return /^\s*[{[]/.test(text) ? JSON.parse(text) : loadAll(text)[0]
  } catch (error) {
    throw badRequest(`the body cannot be read: ${errorMessage(error)}`)
  }
}

function authorised(header: string | undefined, token: string): boolean {
  const given = Buffer.from(header ?? '')
  const wanted = Buffer.from(`Bearer ${token}`)
  return given.length === wanted.length && timingSafeEqual(given, wanted)
}

export function send(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' })
  response.end(JSON.stringify(body))
}

function sendError(response: ServerResponse, error: unknown, log: Log): void {
  const status = error instanceof StatusError ? error : new StatusError(500, 'InternalError', errorMessage(error))
  if (status.httpStatus === 500) log.error({ error: errorMessage(error) }, 'request failed')
  if (response.headersSent) response.destroy()
  else send(response, status.httpStatus, status.toStatus())
}
