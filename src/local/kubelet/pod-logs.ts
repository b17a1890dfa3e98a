/** GET pods/NAME/log. Processes write their log files themselves, so the time of a line is known only from its text. */
import { type FileHandle, open } from 'node:fs/promises'
import type { ServerResponse } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import type { Stored } from '../store/objects.ts'
import { badRequest } from '../store/status-error.ts'
import { containerOf } from './container.ts'

const FOLLOW_EVERY_MS = 200
const CHUNK_BYTES = 64 * 1024
/** The time in a line of pino. */
const TIME = /"time":"([^"]+)"/

/** @param ended returns true once no more lines will be written. @throws StatusError 400 */
export async function servePodLog(
  pod: Stored,
  file: string,
  query: URLSearchParams,
  response: ServerResponse,
  ended: () => boolean,
): Promise<void> {
  checkQuery(pod, query)
  const handle = await open(file).catch(() => undefined)
  if (!handle) throw badRequest(`container "${nameOf(pod)}" in pod "${pod.metadata.name}" is waiting to start`)
  try {
    const written = await handle.readFile()
    response.writeHead(200, { 'content-type': 'text/plain' })
    response.flushHeaders()
    response.write(select(written.toString('utf8'), query))
    if (query.get('follow') === 'true') await follow(handle, written.length, response, ended)
    response.end()
  } finally {
    await handle.close()
  }
}

function nameOf(pod: Stored): string {
  return containerOf(pod).name ?? 'main'
}

function checkQuery(pod: Stored, query: URLSearchParams): void {
  const { name } = pod.metadata
  const container = query.get('container') || nameOf(pod)
  if (container !== nameOf(pod)) throw badRequest(`container ${container} is not valid for pod ${name}`)
  if (query.get('previous') === 'true')
    throw badRequest(`previous terminated container "${container}" in pod "${name}" not found`)
  if (query.get('timestamps') === 'true')
    throw badRequest('local mode keeps no timestamps; most lines contain their own as "time"')
}

async function follow(handle: FileHandle, from: number, response: ServerResponse, ended: () => boolean): Promise<void> {
  const chunk = Buffer.alloc(CHUNK_BYTES)
  for (let offset = from; !response.destroyed; ) {
    // Check for the end before reading, so that the last lines written before it are read.
    const over = ended()
    const { bytesRead } = await handle.read(chunk, 0, CHUNK_BYTES, offset)
    offset += bytesRead
    if (bytesRead > 0) response.write(Buffer.from(chunk.subarray(0, bytesRead)))
    else if (over) return
    else await delay(FOLLOW_EVERY_MS)
  }
}

function select(text: string, query: URLSearchParams): string {
  const recent = since(text, sinceMs(query))
  const tailed = tail(recent, query.get('tailLines'))
  const limit = Number(query.get('limitBytes')) || Number.POSITIVE_INFINITY
  return Buffer.byteLength(tailed) <= limit ? tailed : Buffer.from(tailed).subarray(0, limit).toString('utf8')
}

function sinceMs(query: URLSearchParams): number {
  const seconds = query.get('sinceSeconds')
  if (seconds !== null) return Date.now() - Number(seconds) * 1000
  return Date.parse(query.get('sinceTime') ?? '1970-01-01T00:00:00Z')
}

/** Begins at the first line with a time at or after `fromMs`. Lines without a time belong to the line before them. */
function since(text: string, fromMs: number): string {
  if (!(fromMs > 0)) return text
  const lines = text.split('\n')
  const first = lines.findIndex((line) => Date.parse(TIME.exec(line)?.[1] ?? '') >= fromMs)
  return first < 0 ? '' : lines.slice(first).join('\n')
}

function tail(text: string, lines: string | null): string {
  if (lines === null || Number(lines) < 0) return text
  const all = text.split('\n')
  const trailing = all.at(-1) === '' ? 1 : 0
  return all.slice(Math.max(0, all.length - Number(lines) - trailing)).join('\n')
}
