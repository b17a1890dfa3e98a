import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http'
import { createSecureServer } from 'node:http2'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface Call {
  method: string
  path: string
  query: URLSearchParams
  headers: IncomingMessage['headers']
  body: unknown
}

/** Answers a call, correctly or not. `nth` counts the calls of the same kind from 0. */
export type Answer = (call: Call, response: ServerResponse, nth: number) => void

export interface FakeApi {
  url: string
  /** Path of a kubeconfig for this server. */
  kubeConfig: string
  calls: Call[]
  /** TCP connections accepted so far. */
  connections(): number
  /** Connections that are open now. */
  openConnections(): number
  /** Closes all connections. Further calls do nothing. */
  close(): Promise<void>
}

export interface Tls {
  cert: string
  key: string
  /** Use HTTP/2, as the kube-apiserver does. */
  http2?: boolean
}

/** A server that misbehaves on purpose. Tests of correct behaviour use the server of src/local. */
export async function startFakeApi(answer: Answer, tls?: Tls): Promise<FakeApi> {
  const calls: Call[] = []
  const listener: RequestListener = async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const text = Buffer.concat(chunks).toString()
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://fake')
    const call: Call = {
      method: request.method ?? '',
      path: pathname,
      query: searchParams,
      headers: request.headers,
      body: text === '' ? undefined : JSON.parse(text),
    }
    calls.push(call)
    answer(call, response, calls.filter((other) => kindOf(other) === kindOf(call)).length - 1)
  }
  const server = listenerServer(listener, tls)
  const sockets: Socket[] = []
  server.on(tls ? 'secureConnection' : 'connection', (socket: Socket) => sockets.push(socket))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `${tls ? 'https' : 'http'}://127.0.0.1:${(server.address() as AddressInfo).port}`
  const folder = mkdtempSync(join(tmpdir(), 'downpour-fake-api-'))
  let closing: Promise<void> | undefined
  const shut = async () => {
    for (const socket of sockets) socket.destroy()
    await new Promise((resolve) => server.close(resolve))
    rmSync(folder, { recursive: true })
  }
  return {
    url,
    kubeConfig: writeKubeConfig(folder, url, tls?.cert),
    calls,
    connections: () => sockets.length,
    openConnections: () => sockets.filter((socket) => !socket.destroyed).length,
    close: () => (closing ??= shut()),
  }
}

function listenerServer(listener: RequestListener, tls: Tls | undefined) {
  if (!tls) return createServer(listener)
  // The answers use only what Node's HTTP/2 compatibility API also has.
  return tls.http2 ? createSecureServer(tls, listener as never) : createTlsServer(tls, listener)
}

/** @returns WATCH, LIST for a paged list, or the HTTP method */
export function kindOf(call: Call): string {
  if (call.query.get('watch')) return 'WATCH'
  return call.query.get('limit') ? 'LIST' : call.method
}

function writeKubeConfig(folder: string, url: string, ca: string | undefined): string {
  const path = join(folder, 'config')
  const certificate = ca ? { 'certificate-authority-data': Buffer.from(ca).toString('base64') } : {}
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'fake', cluster: { server: url, ...certificate } }],
    users: [{ name: 'me', user: { token: 'secret-token' } }],
    contexts: [{ name: 'fake', context: { cluster: 'fake', user: 'me', namespace: 'team' } }],
    'current-context': 'fake',
  }
  writeFileSync(path, JSON.stringify(config))
  return path
}

export function json(response: ServerResponse, status: number, body: unknown, headers: Record<string, string> = {}) {
  response.writeHead(status, { 'content-type': 'application/json', ...headers })
  response.end(JSON.stringify(body))
}

export function failure(
  response: ServerResponse,
  code: number,
  reason: string,
  headers: Record<string, string> = {},
): void {
  json(response, code, { kind: 'Status', status: 'Failure', code, reason, message: `made up: ${reason}` }, headers)
}
