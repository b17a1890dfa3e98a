import { createHash } from 'node:crypto'

/** In hex; texts count as UTF-8. */
export function sha256Of(content: Uint8Array | string): string {
  return createHash('sha256').update(content).digest('hex')
}
