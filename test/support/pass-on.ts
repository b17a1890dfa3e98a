/** Lets an HTTP server of a test forward the requests that it does not answer itself to an API server. */
import { request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http'

/**
 * @param to address of the API server
 * @param body the whole body of the request, if the caller has already read it
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
