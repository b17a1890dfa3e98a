/** The one place where an HTTP server of ours starts, listens and closes. */
import { createServer, type RequestListener } from 'node:http'
import { guardHttp, HTTP_SERVER_OPTIONS, type HttpLimits } from '../support/guard-http.ts'
import { listenAt } from '../support/listen.ts'

export interface HttpServerOptions extends HttpLimits {
  /** undefined: every address, also where the kernel has no IPv6. */
  host: string | undefined
  /** 0: any free one. */
  port: number
}

export interface HttpServer {
  port: number
  /** Closes open connections too: a client that never hangs up must not keep the process alive. */
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
