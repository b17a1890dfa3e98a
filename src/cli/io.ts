/** What a verb reads and writes, and how it says its exit code. */
import type { Readable, Writable } from 'node:stream'

export interface CliIo {
  out: Writable & { isTTY?: boolean; columns?: number }
  err: Writable
  in: Readable
}

export function processIo(): CliIo {
  return { out: process.stdout, err: process.stderr, in: process.stdin }
}

/** Leaves the exit to Node, which first writes what a pipe has not taken yet. */
export async function exitWith(code: number | Promise<number>): Promise<void> {
  process.exitCode = await code
}
