/** GET pods/NAME/log, with follow and tailLines. */
import { createReadStream, existsSync, statSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import type { ServerResponse } from 'node:http'

const FOLLOW_EVERY_MS = 300

/** @param ended true when nothing more will be written */
export async function servePodLog(
  file: string,
  query: URLSearchParams,
  response: ServerResponse,
  ended: () => boolean,
): Promise<void> {
  const text = existsSync(file) ? await readFile(file, 'utf8') : ''
  response.writeHead(200, { 'content-type': 'text/plain' })
  response.write(tail(text, query.get('tailLines')))
  if (query.get('follow') !== 'true') return void response.end()
  let offset = Buffer.byteLength(text)
  const timer = setInterval(() => {
    const size = existsSync(file) ? statSync(file).size : 0
    if (size > offset) {
      createReadStream(file, { start: offset, end: size - 1 }).pipe(response, { end: false })
      offset = size
    } else if (ended()) {
      response.end()
    }
  }, FOLLOW_EVERY_MS)
  response.on('close', () => clearInterval(timer))
}

function tail(text: string, lines: string | null): string {
  if (lines === null) return text
  const all = text.split('\n')
  const trailing = all.at(-1) === '' ? 1 : 0
  return all.slice(Math.max(0, all.length - Number(lines) - trailing)).join('\n')
}
