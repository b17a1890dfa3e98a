/** The frame of a pod's one process: signals, last words, exit code. Three programs share it, so all end alike. */
import { writeFileSync } from 'node:fs'
import { errorCode, errorMessage } from './errors.ts'
import type { Log } from './log.ts'

export interface ProcessOptions {
  /** The program. `signal` fires at the first SIGTERM or SIGINT; what it returns are the last words of a success. */
  work: (signal: AbortSignal) => Promise<object | undefined>
  exit: (code: number) => void
  exitCodeOf: (errorCode: string) => number
  codes: { ok: number; terminated: number }
  /** The file for the last words. */
  terminationLog: string
  log: Log
}

const MAX_WORDS_BYTES = 4096
// Three bytes a character at most, so that the JSON is never cut.
const MAX_MESSAGE_CHARACTERS = 1200

/** Runs the program, leaves its last words, and exits. A second signal exits at once. */
export async function runProcess(options: ProcessOptions): Promise<void> {
  const { work, exit, codes, log } = options
  const stop = new AbortController()
  const onSignal = (signal: string) => {
    if (stop.signal.aborted) return exit(codes.terminated)
    log.info({ signal }, 'stopping')
    stop.abort(new DOMException(`stopped by ${signal}`, 'AbortError'))
  }
  process.on('SIGTERM', onSignal)
  process.on('SIGINT', onSignal)
  const fail = (error: unknown) => exit(lament(error, options))
  process.on('uncaughtException', fail)
  try {
    const words = await work(stop.signal)
    if (words) leaveWords(words, options)
    exit(stop.signal.aborted ? codes.terminated : codes.ok)
  } catch (error) {
    if (stop.signal.aborted) return exit(codes.terminated)
    fail(error)
  }
}

/** @returns the exit code */
function lament(error: unknown, options: ProcessOptions): number {
  const code = errorCode(error)
  const exitCode = options.exitCodeOf(code)
  const stack = error instanceof Error && error.name !== 'DownpourError' ? error.stack : undefined
  options.log.error({ code, reason: errorMessage(error), exitCode, ...(stack ? { stack } : {}) }, 'process failed')
  leaveWords({ code, message: errorMessage(error).slice(0, MAX_MESSAGE_CHARACTERS) }, options)
  return exitCode
}

/** Synchronous, for the process is about to end; a volume that is gone must not hide the exit code. */
function leaveWords(words: object, { terminationLog, log }: ProcessOptions): void {
  try {
    writeFileSync(terminationLog, Buffer.from(JSON.stringify(words)).subarray(0, MAX_WORDS_BYTES))
  } catch (error) {
    log.warn({ terminationLog, reason: errorMessage(error) }, 'last words could not be written')
  }
}
