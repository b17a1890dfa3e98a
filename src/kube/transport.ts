import { type Dispatcher, request } from 'undici'
import type { RequestFacts, RequestObserver } from './client-options.ts'
import type { Connection } from './connection.ts'
import { KubeError, type StatusBody, statusError, transportError } from './errors.ts'
import { openScope } from './scope.ts'

export interface ApiRequest {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  path: string
  query?: Record<string, string | number | boolean | undefined>
  body?: unknown
  contentType?: string
}

export interface Transport {
  connection: Connection
  userAgent: string
  /** Milliseconds for one attempt, from sending to the end of the answer; for a watch, to its headers. */
  timeoutMs: number
  /** Of the API server, with its port. */
  host: string
  observer?: RequestObserver | undefined
}

export function factsOf({ host }: Transport, { method }: ApiRequest): RequestFacts {
  return { method, host }
}

/**
 * The API server accepts a watch at once, whatever its load. A connection that was reset while it opened may look alive
 * for ever: when headers are late, undici pings it and drops it without an answer. A request that is not even sent
 * within `giveUpMs` waits on a dead connection.
 */
const WATCH_OPENS = { headersMs: 4_000, giveUpMs: 10_000 }
/** Limit of one watch event: etcd accepts objects of 1.5 MiB, so a longer line is not an event. */
const MAX_LINE_BYTES = 16 * 2 ** 20

const nameOf = (call: ApiRequest): string => `${call.method} ${call.path}`

/** One attempt, without retry or rate limit. @returns the parsed body @throws KubeError, or the signal's reason */
export async function send(transport: Transport, call: ApiRequest, signal: AbortSignal): Promise<unknown> {
  const scope = openScope([signal])
  scope.within(transport.timeoutMs, () => deadlineError(transport, call))
  let dispatcher: Dispatcher | undefined
  try {
    const response = await openObserved(transport, call, { signal: scope.signal }, (used) => {
      dispatcher = used
    })
    return parseBody(call, await response.body.text())
  } catch (error) {
    throw finalError(transport, call, scope.signal, dispatcher, error)
  } finally {
    scope.close()
  }
}

/**
 * Yields the lines of a streamed answer until the server ends it.
 * @throws KubeError with KUBE_WATCH_IDLE if no data arrived for `idleMs`
 */
export async function* stream(
  transport: Transport,
  call: ApiRequest,
  { idleMs, onOpen }: { idleMs: number; onOpen?: (() => void) | undefined },
  signal: AbortSignal,
): AsyncGenerator<string> {
  const scope = openScope([signal])
  const { headersMs, giveUpMs } = WATCH_OPENS
  const openMs = Math.min(transport.timeoutMs, giveUpMs)
  scope.within(openMs, () => transportError('KUBE_WATCH_LATE', nameOf(call), `not accepted within ${openMs} ms`))
  let dispatcher: Dispatcher | undefined
  try {
    const response = await openObserved(transport, call, { signal: scope.signal, headersMs }, (used) => {
      dispatcher = used
    })
    const restartIdleTimer = () =>
      scope.within(idleMs, () => transportError('KUBE_WATCH_IDLE', nameOf(call), `silent for ${idleMs} ms`))
    restartIdleTimer()
    onOpen?.()
    yield* splitLines(response.body, restartIdleTimer, nameOf(call))
  } catch (error) {
    throw finalError(transport, call, scope.signal, dispatcher, error)
  } finally {
    scope.close()
  }
}

interface Opening {
  signal: AbortSignal
  headersMs?: number
}

type OnDispatcher = (used: Dispatcher) => void

/** A request that its caller gave up is not observed. */
async function openObserved(
  transport: Transport,
  call: ApiRequest,
  opening: Opening,
  onDispatcher: OnDispatcher,
): Promise<Dispatcher.ResponseData> {
  const startedMs = performance.now()
  const report = (status: number) =>
    transport.observer?.answered(factsOf(transport, call), status, (performance.now() - startedMs) / 1000)
  try {
    const response = await open(transport, call, opening, onDispatcher)
    report(response.statusCode)
    return response
  } catch (error) {
    const { signal } = opening
    const cause: unknown = signal.aborted ? signal.reason : error
    if (cause instanceof KubeError) report(cause.httpStatus)
    else if (!signal.aborted) report(0)
    throw error
  }
}

/** Sends the request. @throws KubeError for every answer that is not 2xx */
async function open(
  transport: Transport,
  call: ApiRequest,
  { signal, headersMs = 0 }: Opening,
  onDispatcher: OnDispatcher,
): Promise<Dispatcher.ResponseData> {
  const { headers, dispatcher } = await transport.connection.authorize(call.path)
  onDispatcher(dispatcher)
  signal.throwIfAborted()
  const response = await request(transport.connection.server + call.path + queryString(call.query), {
    method: call.method,
    dispatcher,
    signal,
    headersTimeout: headersMs,
    bodyTimeout: 0,
    headers: {
      ...headers,
      accept: 'application/json',
      'user-agent': transport.userAgent,
      ...(call.body === undefined ? {} : { 'content-type': call.contentType ?? 'application/json' }),
    },
    body: call.body === undefined ? null : JSON.stringify(call.body),
  })
  if (response.statusCode >= 200 && response.statusCode < 300) return response
  throw statusError(
    nameOf(call),
    response.statusCode,
    statusBody(await response.body.text()),
    retryAfter(response.headers['retry-after']),
  )
}

function queryString(query: ApiRequest['query']): string {
  const given = Object.entries(query ?? {}).filter(([, value]) => value !== undefined && value !== '')
  return given.length === 0
    ? ''
    : `?${new URLSearchParams(given.map(([name, value]): [string, string] => [name, String(value)]))}`
}

function parseBody(call: ApiRequest, text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw transportError('KUBE_BAD_ANSWER', nameOf(call), `not JSON (${text.length} characters)`, error)
  }
}

/** Proxies answer with HTML, and the API server sometimes with plain text: the text is the message then. */
function statusBody(text: string): StatusBody {
  try {
    const body: unknown = JSON.parse(text)
    if (typeof body === 'object' && body !== null) return body
  } catch {
    // Not JSON: handled below like JSON that is no object.
  }
  return { message: text.slice(0, 200).trim() || 'empty body' }
}

/** Seconds, or an HTTP date. */
function retryAfter(header: string | string[] | undefined): number | undefined {
  if (typeof header !== 'string') return undefined
  const seconds = /^\d+$/.test(header) ? Number(header) : (Date.parse(header) - Date.now()) / 1000
  return Number.isFinite(seconds) ? Math.max(0, seconds) : undefined
}

function deadlineError(transport: Transport, call: ApiRequest): KubeError {
  return transportError('KUBE_DEADLINE', nameOf(call), `no answer within ${transport.timeoutMs} ms`)
}

/** Chooses the real cause: after an abort, its reason says more than the socket error that it caused. */
function finalError(
  transport: Transport,
  call: ApiRequest,
  signal: AbortSignal,
  dispatcher: Dispatcher | undefined,
  error: unknown,
): unknown {
  const cause: unknown = signal.aborted ? signal.reason : error
  const code = cause instanceof KubeError ? cause.code : ''
  if (dispatcher && (code === 'KUBE_DEADLINE' || code === 'KUBE_WATCH_IDLE')) transport.connection.abandon(dispatcher)
  if (dispatcher && code === 'KUBE_WATCH_LATE') transport.connection.destroyPool(dispatcher)
  if (signal.aborted || error instanceof KubeError) return cause
  return transportError('KUBE_UNREACHABLE', nameOf(call), `${transport.connection.shownServer} did not answer`, error)
}

/** Splits bytes rather than text, because a character may arrive in two chunks. The last line may lack its newline. */
async function* splitLines(chunks: AsyncIterable<Buffer>, onBytes: () => void, what: string): AsyncGenerator<string> {
  let parts: Buffer[] = []
  let size = 0
  for await (const chunk of chunks) {
    onBytes()
    let start = 0
    for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, start)) {
      const line = Buffer.concat([...parts, chunk.subarray(start, end)]).toString()
      parts = []
      size = 0
      start = end + 1
      if (line.trim() !== '') yield line
    }
    parts.push(chunk.subarray(start))
    size += chunk.length - start
    if (size > MAX_LINE_BYTES) throw transportError('KUBE_TORN_LINE', what, `no newline in ${size} bytes`)
  }
  const rest = Buffer.concat(parts).toString()
  if (rest.trim() !== '') yield rest
}
