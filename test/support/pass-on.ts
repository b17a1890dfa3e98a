/** The rest of a test's own HTTP server in front of an API server: what it does not answer itself goes on as it came. */
import { request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http'

/**
 * @param to where the API server listens
 * @param body what was already read of the request; undefined: nothing
 */
export function passOn(request: IncomingMessage, response: ServerResponse, to: string, body?: Buffer): void {
  const { method, headers } = request
  const upstream = httpRequest(new URL(request.url ?? '/', to), { method, headers }, (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.headers)
    answer.pipe(response)
  })
  upstream.on('error', () => request.socket.destroy())
  response.on('close', () => upstream.destroy())
  if (body) upstream.end(body)
  else request.pipe(upstream)
}
