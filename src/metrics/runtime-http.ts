/** The HTTP side of every runtime process: health, metrics, status. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { Registry } from 'prom-client'
import { guardHttp, HTTP_SERVER_OPTIONS } from '../support/guard-http.ts'
import { listenAt } from '../support/listen.ts'
import { sameSecret } from '../support/secret.ts'

export interface RuntimeHttpOptions {
  /** undefined: every address. */
  host: string | undefined
  port: number
  /** Asked for as a bearer token, but for probes; undefined: the network decides who asks. */
  key?: string | undefined
  registry: Registry
  status: () => unknown
  ready: () => boolean
  /** More routes: `PUT /pins`. A throw becomes a 400. */
  routes?: Readonly<Record<string, (body: unknown) => unknown>>
}

const PROBES = new Set(['GET /healthz', 'GET /readyz'])
const MAX_BODY_BYTES = 64 * 1024
/** Probes, a scraper and the operator: far fewer. */
const MAX_CONNECTIONS = 256
const IDLE_MS = 10_000

/** @throws DownpourError PORT_TAKEN */
export async function startRuntimeHttp(options: RuntimeHttpOptions): Promise<{ port: number; close(): void }> {
  const server = createServer(HTTP_SERVER_OPTIONS, (request, response) => {
    serve(options, request, response).catch((error) => answer(response, 400, { error: String(error) }))
  })
  guardHttp(server, { connections: MAX_CONNECTIONS, idleMs: IDLE_MS })
  const port = await listenAt(server, options.host, options.port)
  return {
    port,
    close() {
      server.close()
      server.closeAllConnections()
    },
  }
}

async function serve(options: RuntimeHttpOptions, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const route = `${request.method} ${request.url?.split('?', 1)[0]}`
  if (!PROBES.has(route) && !knowsKey(request, options.key)) return answer(response, 401, { error: 'unauthorized' })
  const custom = options.routes?.[route]
  if (custom) return answer(response, 200, custom(await readJson(request)) ?? {})
  switch (route) {
    case 'GET /healthz':
      return answer(response, 200, { ok: true })
    case 'GET /readyz':
      return answer(response, options.ready() ? 200 : 503, { ready: options.ready() })
    case 'GET /status':
      return answer(response, 200, options.status())
    case 'GET /metrics':
      response.writeHead(200, { 'content-type': options.registry.contentType })
      return void response.end(await options.registry.metrics())
    default:
      return answer(response, 404, { error: `no ${route}` })
  }
}

function knowsKey({ headers }: IncomingMessage, key: string | undefined): boolean {
  return key === undefined || sameSecret(headers.authorization ?? '', `Bearer ${key}`)
}

function answer(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' })
  response.end(JSON.stringify(body))
}

async function readJson(request: IncomingMessage): Promise<unknown> {
  let text = ''
  for await (const chunk of request) {
    text += chunk
    if (text.length > MAX_BODY_BYTES) throw new RangeError(`a body may have ${MAX_BODY_BYTES} bytes`)
  }
  return JSON.parse(text)
}
