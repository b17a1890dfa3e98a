/** For a test's own HTTP server in front of an API server: forwards the requests that it does not answer itself. */
import { request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http'

/**
 * @param to address of the API server
 * @param body the part of the request's body that was already read; undefined: none
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
