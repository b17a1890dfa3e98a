/** Starts and closes HTTP servers, with the limits of guardHttp. */
import { createServer, type RequestListener } from 'node:http'
import { guardHttp, HTTP_SERVER_OPTIONS, type HttpLimits } from '../support/guard-http.ts'
import { listenAt } from '../support/listen.ts'

export interface HttpServerOptions extends HttpLimits {
  /** undefined: all addresses; works without IPv6, too. */
  host: string | undefined
  /** 0: any free port. */
  port: number
}

export interface HttpServer {
  port: number
  /** Also closes open connections, or a client that keeps its connection would keep the process alive. */
  close(): Promise<void>
}

/** @throws DownpourError PORT_TAKEN, PORT_REFUSED */
export async function startHttpServer(
  { host, port, ...limits }: HttpServerOptions,
  handler: RequestListener,
): Promise<HttpServer> {
  const server = createServer(HTTP_SERVER_OPTIONS, handler)
  guardHttp(server, limits)
  return {
    port: await listenAt(server, host, port),
    close: () =>
      new Promise((done) => {
        server.close(() => done())
        server.closeAllConnections()
      }),
  }
}
