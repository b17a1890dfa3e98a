/** /healthz, /readyz and /metrics of the operator. */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import express, { type Express, type Response } from 'express'
import { DownpourError, errorCode, errorMessage } from '../support/errors.ts'
import { guardHttp, HTTP_SERVER_OPTIONS } from '../support/guard-http.ts'

export interface HealthServerOptions {
  /** 0: any free one. */
  port: number
  /** Default: every address, as a kubelet's probes need; also where the kernel has no IPv6. */
  host?: string | undefined
  /** Why the process should be restarted; undefined: it is well. */
  troubles: () => string | undefined
  /** What it still waits for before it can serve; undefined: ready. */
  waitingFor: () => string | undefined
  /** Exposition text and its content type. */
  metrics: { contentType: string; metrics(): Promise<string> }
}

export interface HealthServer {
  port: number
  close(): Promise<void>
}

const MAX_CONNECTIONS = 256
const IDLE_MS = 10_000

/** @throws PORT_TAKEN, PORT_REFUSED */
export async function startHealthServer(options: HealthServerOptions): Promise<HealthServer> {
  const server = createServer(HTTP_SERVER_OPTIONS, createApp(options))
  guardHttp(server, { connections: MAX_CONNECTIONS, idleMs: IDLE_MS })
  server.listen({ port: options.port, host: options.host })
  try {
    await once(server, 'listening')
  } catch (error) {
    throw portError(options.port, error)
  }
  return {
    port: (server.address() as AddressInfo).port,
    async close() {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}

function createApp({ troubles, waitingFor, metrics }: HealthServerOptions): Express {
  const app = express()
  app.disable('x-powered-by')
  app.get('/healthz', (_request, response) => answer(response, troubles()))
  app.get('/readyz', (_request, response) => answer(response, waitingFor()))
  app.get('/metrics', async (_request, response) => {
    const text = await metrics.metrics()
    response.type(metrics.contentType).send(text)
  })
  app.use((_request, response) => void response.status(404).type('text/plain').send('not found\n'))
  return app
}

function answer(response: Response, problem: string | undefined): void {
  response
    .status(problem === undefined ? 200 : 503)
    .type('text/plain')
    .send(`${problem ?? 'ok'}\n`)
}

function portError(port: number, cause: unknown): DownpourError {
  const code = errorCode(cause) === 'EADDRINUSE' ? 'PORT_TAKEN' : 'PORT_REFUSED'
  const advice = 'pass another with --http-port, or 0 for any free one'
  return new DownpourError(code, `--http-port ${port}: ${errorMessage(cause)}; ${advice}`, { port }, { cause })
}
