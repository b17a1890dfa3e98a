import type { Server } from 'node:http'
import { PendingConnections } from './pending-connections.ts'

export interface HttpLimits {
  /** Connections at a time; one more closes the oldest of the address that has most. */
  connections: number
  /** A connection on which nothing moves for so long is cut; absent: never, as watches want it. */
  idleMs?: number
}

const HEADERS_TIMEOUT_MS = 5000
const REQUEST_TIMEOUT_MS = 10_000
const CHECK_EVERY_MS = 1000

/** What `createServer` should be given: how often it looks for requests that take too long, which is each 30 s by itself. */
export const HTTP_SERVER_OPTIONS = {
  connectionsCheckingInterval: CHECK_EVERY_MS,
  headersTimeout: HEADERS_TIMEOUT_MS,
  requestTimeout: REQUEST_TIMEOUT_MS,
  keepAliveTimeout: HEADERS_TIMEOUT_MS,
  maxHeaderSize: 16 << 10,
} as const

/**
 * Callers that are slow, or many, keep nobody else out. Without it 64 open connections are enough for a kubelet's probes
 * to be refused, and the pod to be killed.
 */
export function guardHttp(server: Server, { connections, idleMs }: HttpLimits): void {
  const open = new PendingConnections<object>({ limit: connections })
  if (idleMs !== undefined) server.timeout = idleMs
  server.on('connection', (socket) => {
    open.add(socket, socket.remoteAddress ?? '', () => socket.destroy())
    socket.once('close', () => open.remove(socket))
  })
}
