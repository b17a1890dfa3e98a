/** The HTTP side of a runtime process: /healthz, /readyz, /status, /metrics. Tiny, so that fifty workers can afford it. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Registry } from 'prom-client'

export interface HttpOptions {
  /** The pod's own address. */
  host: string
  port: number
  registry: Registry
  /** Answered as JSON at /status. */
  status: () => object
  /** False: /readyz answers 503. */
  ready: () => boolean
}

export interface RunningHttp {
  port: number
  close(): Promise<void>
}

/** A scraper that stalls or floods must not cost training anything. */
const LIMITS = { maxConnections: 32, headersTimeoutMs: 5_000, requestTimeoutMs: 5_000, idleMs: 10_000 }

/** @throws Node's EADDRINUSE when the port is taken */
export async function startHttp(options: HttpOptions): Promise<RunningHttp> {
  const server = createServer((request, response) => {
    answer(options, request, response).catch((error: unknown) => {
      if (!response.headersSent) response.writeHead(500)
      response.end(String(error))
    })
  })
  server.maxConnections = LIMITS.maxConnections
  server.headersTimeout = LIMITS.headersTimeoutMs
  server.requestTimeout = LIMITS.requestTimeoutMs
  server.keepAliveTimeout = LIMITS.idleMs
  server.setTimeout(LIMITS.idleMs, (socket) => socket.destroy())
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(options.port, options.host, () => resolve())
  })
  return {
    port: (server.address() as AddressInfo).port,
    close() {
      server.closeAllConnections()
      return new Promise((resolve) => server.close(() => resolve()))
    },
  }
}

async function answer(options: HttpOptions, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const send = (code: number, body: string, type = 'text/plain; charset=utf-8') =>
    response.writeHead(code, { 'content-type': type }).end(request.method === 'HEAD' ? undefined : body)
  if (request.method !== 'GET' && request.method !== 'HEAD') return void send(405, 'only GET and HEAD\n')
  switch (new URL(request.url ?? '/', 'http://pod').pathname) {
    case '/healthz':
      return void send(200, 'ok\n')
    case '/readyz':
      return void (options.ready() ? send(200, 'ok\n') : send(503, 'not ready\n'))
    case '/status':
      return void send(200, JSON.stringify(options.status()), 'application/json')
    case '/metrics':
      return void send(200, await options.registry.metrics(), options.registry.contentType)
    default:
      return void send(404, 'here are /healthz, /readyz, /status and /metrics\n')
  }
}
