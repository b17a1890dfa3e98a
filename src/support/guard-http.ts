import type { Server } from 'node:http'
import { PendingConnections } from './pending-connections.ts'

export interface HttpLimits {
  /** Open connections; one more closes the oldest connection of the address that has the most. */
  connections: number
  /** Closes a connection that is idle for so long. Absent: never, because an idle watch must stay open. */
  idleMs?: number
  /** Closes a connection whose client has not taken an answer for so long. Absent: never, because a watch has no end. */
  answerMs?: number
}

const HEADERS_TIMEOUT_MS = 5000
const REQUEST_TIMEOUT_MS = 10_000
const CHECK_EVERY_MS = 1000

/** Options for `createServer`. Node checks for slow requests every 30 s by default, which is too late for these timeouts. */
export const HTTP_SERVER_OPTIONS = {
  connectionsCheckingInterval: CHECK_EVERY_MS,
  headersTimeout: HEADERS_TIMEOUT_MS,
  requestTimeout: REQUEST_TIMEOUT_MS,
  keepAliveTimeout: HEADERS_TIMEOUT_MS,
  maxHeaderSize: 16 << 10,
} as const

/**
 * Keeps slow clients and clients with many connections from blocking others. Without it, 64 open connections are enough
 * for the server to refuse a kubelet's probes, and the kubelet kills the pod.
 */
export function guardHttp(server: Server, { connections, idleMs, answerMs }: HttpLimits): void {
  const open = new PendingConnections<object>({ limit: connections })
  if (idleMs !== undefined) server.timeout = idleMs
  if (answerMs !== undefined) limitAnswers(server, answerMs)
  server.on('connection', (socket) => {
    open.add(socket, socket.remoteAddress ?? '', () => socket.destroy())
    socket.once('close', () => open.remove(socket))
  })
}

/** The idle time does not suffice: a client that goes on sending requests is not idle, whether it reads or not. */
function limitAnswers(server: Server, answerMs: number): void {
  server.on('request', (request, response) => {
    const timer = setTimeout(() => request.socket.destroy(), answerMs)
    response.once('close', () => clearTimeout(timer))
  })
}
