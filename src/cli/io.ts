/** The streams of a verb, and its exit code. */
import type { Readable, Writable } from 'node:stream'

export interface CliIo {
  out: Writable & { isTTY?: boolean; columns?: number }
  err: Writable
  in: Readable
}

export function processIo(): CliIo {
  return { out: process.stdout, err: process.stderr, in: process.stdin }
}

/** Sets the exit code without calling process.exit(), which would drop output that is still buffered for a pipe. */
export async function exitWith(code: number | Promise<number>): Promise<void> {
  process.exitCode = await code
}
