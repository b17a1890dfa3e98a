/** HTTP server of every process: /healthz, /readyz and /metrics, and optionally JSON routes. */
import express, { type ErrorRequestHandler, type Express, type RequestHandler, type Response } from 'express'
import { errorMessage } from '../support/errors.ts'
import { sameSecret } from '../support/secret.ts'
import { type HttpServer, type HttpServerOptions, startHttpServer } from './server.ts'

export interface ProcessServerOptions extends Pick<HttpServerOptions, 'host' | 'port'> {
  /** Bearer token required for all paths except the probes. undefined: no token; access is limited by the network alone. */
  key?: string | undefined
  /** A registry of prom-client. */
  metrics: { contentType: string; metrics(): Promise<string> }
  /** @returns why the kubelet should restart the process; undefined: it is healthy */
  unhealthyBecause?: () => string | undefined
  /** @returns what the process still waits for; undefined: it is ready */
  notReadyBecause?: () => string | undefined
  /** GET routes by path, such as /status. @returns the JSON of the answer */
  get?: Readonly<Record<string, () => unknown>>
  /** PUT routes by path. A function gets the parsed JSON body; an error that it throws is answered with 400. */
  put?: Readonly<Record<string, (body: unknown) => unknown>>
}

const MAX_BODY_BYTES = 64 * 1024
/** Far more than probes, a scraper and the operator need. */
const LIMITS = { connections: 256, idleMs: 10_000, answerMs: 10_000 }

/** @throws DownpourError PORT_TAKEN, PORT_REFUSED */
export async function startProcessServer(options: ProcessServerOptions): Promise<HttpServer> {
  return startHttpServer({ host: options.host, port: options.port, ...LIMITS }, createApp(options))
}

function createApp(options: ProcessServerOptions): Express {
  const { key, metrics, get = {}, put = {} } = options
  const app = express().disable('x-powered-by').disable('etag').enable('case sensitive routing')
  app.get('/healthz', (_request, response) => probe(response, options.unhealthyBecause?.()))
  app.get('/readyz', (_request, response) => probe(response, options.notReadyBecause?.()))
  if (key !== undefined) app.use(requireKey(key))
  app.get('/metrics', async (_request, response) => {
    const text = await metrics.metrics()
    response.type(metrics.contentType).send(text)
  })
  for (const [path, route] of Object.entries(get))
    app.get(path, async (_request, response) => void response.json(await route()))
  const readBody = express.json({ limit: MAX_BODY_BYTES, type: () => true })
  for (const [path, route] of Object.entries(put))
    app.put(path, readBody, (request, response) => void response.json(route(request.body) ?? {}))
  app.use((_request, response) => void response.status(404).json({ error: 'not found' }))
  return app.use(answerError)
}

function probe(response: Response, problem: string | undefined): void {
  response
    .status(problem === undefined ? 200 : 503)
    .type('text/plain')
    .send(`${problem ?? 'ok'}\n`)
}

function requireKey(key: string): RequestHandler {
  return ({ headers }, response, next) => {
    if (sameSecret(headers.authorization ?? '', `Bearer ${key}`)) next()
    else response.status(401).json({ error: 'unauthorized' })
  }
}

/** Express recognises an error handler by its four parameters. Errors of the body parser have a status, e.g. 413. */
const answerError: ErrorRequestHandler = (error, _request, response, _next) => {
  const status = (error as { status?: number }).status ?? 400
  response.status(status).json({ error: errorMessage(error) })
}
