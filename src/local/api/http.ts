/** Reads request bodies, sends answers, and checks credentials. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { errorMessage } from '../../support/errors.ts'
import { readJson } from '../../support/json.ts'
import type { Log } from '../../support/log.ts'
import { sameSecret } from '../../support/secret.ts'
import { readYaml } from '../../support/yaml.ts'
import { badRequest, StatusError, unsupportedMedia } from '../store/status-error.ts'

/** The limit of the real API server. */
const MAX_BODY_BYTES = 3 * 2 ** 20
const WRITE_TYPES = ['application/json', 'application/yaml']
const PATCH_TYPES = [
  'application/json-patch+json',
  'application/merge-patch+json',
  'application/strategic-merge-patch+json',
  'application/apply-patch+yaml',
]

/** Accepts the token as a bearer token or as a password, because kubectl sends no bearer token over plain HTTP. */
export function authorised(header: string | undefined, token: string): boolean {
  return sameSecret(passwordOf(header ?? ''), token)
}

function passwordOf(header: string): string {
  const [scheme = '', value = ''] = header.split(' ')
  if (scheme === 'Bearer') return value
  return scheme === 'Basic'
    ? Buffer.from(value, 'base64')
        .toString()
        .replace(/^[^:]*:/, '')
    : ''
}

/** @returns undefined for an empty body. @throws StatusError 400, 413, 415 */
export async function readBody(incoming: IncomingMessage): Promise<unknown> {
  const bytes = await readBytes(incoming)
  if (bytes.length === 0) return undefined
  const type = mediaType(incoming)
  const accepted = incoming.method === 'PATCH' ? PATCH_TYPES : WRITE_TYPES
  if (!accepted.includes(type)) throw unsupportedMedia(accepted)
  try {
    const text = bytes.toString('utf8')
    return type.endsWith('yaml') ? readYaml(text)[0]?.value : readJson(text)
  } catch (error) {
    throw badRequest(`the body cannot be read: ${errorMessage(error)}`)
  }
}

function mediaType({ headers, method }: IncomingMessage): string {
  const type = headers['content-type']?.split(';', 1)[0]?.trim() ?? ''
  return type === '' && method !== 'PATCH' ? 'application/json' : type
}

async function readBytes(incoming: IncomingMessage): Promise<Buffer> {
  if (Number(incoming.headers['content-length'] ?? 0) > MAX_BODY_BYTES) throw tooLarge()
  const chunks: Buffer[] = []
  let bytes = 0
  // By default, leaving the loop early destroys the socket, and the client would not get the error.
  for await (const chunk of incoming.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes > MAX_BODY_BYTES) throw tooLarge()
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

function tooLarge(): StatusError {
  return new StatusError(413, 'RequestEntityTooLarge', `Request entity too large: limit is ${MAX_BODY_BYTES}`)
}

export function send(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' })
  response.end(JSON.stringify(body))
}

export function sendError(response: ServerResponse, error: unknown, log: Log): void {
  const status = error instanceof StatusError ? error : new StatusError(500, 'InternalError', errorMessage(error))
  if (status.httpStatus === 500) log.error({ error: errorMessage(error) }, 'request failed')
  if (response.headersSent) return void response.destroy()
  // Closes the connection instead of reading the rest of a body that is too large.
  if (status.httpStatus === 413) response.setHeader('connection', 'close')
  send(response, status.httpStatus, status.toStatus())
}
