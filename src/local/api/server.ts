/**
 * Serves the Kubernetes API for the store on 127.0.0.1, to clients that have the token. test/conformance runs against this
 * server and a real one. Differences: one token has all rights; a namespace need not exist before its objects; src/api
 * validates jobs instead of the CRDs' CEL (test/unit/api shows that both agree); server-side apply tracks other writes
 * from an object's first apply on, and treats a set as one value; built-in kinds have no schema; OpenAPI describes our
 * kinds alone; a watch from a future version is refused (a real server leaves it open without events); each watch with
 * bookmarks ends with one.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { DISCOVERY_PATH } from '../../contract/discovery.ts'
import { type HttpServer, startHttpServer } from '../../http/server.ts'
import { badRequest, StatusError } from '../store/status-error.ts'
import { discoveryOf } from './discovery.ts'
import { authorised, send, sendError } from './http.ts'
import { openApiOf, sendOpenApiV2 } from './openapi.ts'
import { Pages } from './pages.ts'
import { get } from './reads.ts'
import { type ApiContext, type ApiServerOptions, type Request, readRequest } from './request.ts'
import { targetOf } from './target.ts'
import { patch, post, put, remove } from './writes.ts'

type Verb = (context: ApiContext, request: Request, response: ServerResponse) => Promise<void> | void

const VERBS: Readonly<Record<string, Verb>> = { GET: get, POST: post, PUT: put, PATCH: patch, DELETE: remove }

/** Far more than the operator and kubectl need. There is no idle limit, because watches stay open without traffic. */
const MAX_CONNECTIONS = 1024

/** @throws DownpourError PORT_TAKEN */
export async function startApiServer(options: ApiServerOptions): Promise<HttpServer> {
  const context = { ...options, pages: new Pages(options.clock) }
  const where = { host: '127.0.0.1', port: options.port, connections: MAX_CONNECTIONS }
  return startHttpServer(where, (request, response) => {
    handle(context, request, response).catch((error) => sendError(response, error, options.log))
  })
}

async function handle(context: ApiContext, incoming: IncomingMessage, response: ServerResponse): Promise<void> {
  if (!authorised(incoming.headers.authorization, context.token))
    throw new StatusError(401, 'Unauthorized', 'Unauthorized')
  const url = URL.parse(incoming.url ?? '/', 'http://localhost')
  if (!url) throw badRequest(`the path cannot be read: ${incoming.url}`)
  if (serveAbout(context, url.pathname, incoming, response)) return
  const target = targetOf(url.pathname)
  if (!target) throw new StatusError(404, 'NotFound', 'the server could not find the requested resource')
  const verb = VERBS[incoming.method ?? '']
  if (!verb) throw new StatusError(405, 'MethodNotAllowed', 'the server does not allow this method on the resource')
  await verb(context, await readRequest(incoming, target, url.searchParams), response)
}

/** Answers requests for health, OpenAPI, and both kinds of discovery. @returns false for any other path */
function serveAbout(context: ApiContext, path: string, incoming: IncomingMessage, response: ServerResponse): boolean {
  if (incoming.method !== 'GET') return false
  if (/^\/(healthz|livez|readyz)$/.test(path)) response.end('ok')
  else if (path === DISCOVERY_PATH) send(response, 200, context.metricsTargets())
  else if (path === '/openapi/v2') sendOpenApiV2(incoming.headers.accept, response)
  else {
    const found = openApiOf(path) ?? discoveryOf(path)
    if (!found) return false
    send(response, 200, found)
  }
  return true
}
