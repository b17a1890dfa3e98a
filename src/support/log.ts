import { pino } from 'pino'
import { errorCode } from './errors.ts'
import { storageErrorReason } from './storage.ts'

/** The part of pino that the code uses: facts first, a message that never varies second. */
export interface Log {
  debug(facts: object, message: string): void
  info(facts: object, message: string): void
  warn(facts: object, message: string): void
  error(facts: object, message: string): void
  child(facts: Record<string, unknown>): Log
}

/** JSON lines on stdout, so that `kubectl logs` and log collectors read the same thing. */
export function createLog(facts: Record<string, unknown>, level = 'info'): Log {
  const output = pino.destination({ fd: 1, sync: true })
  // A full disk costs lines, and a reader that has gone costs all: neither may end who writes.
  output.on('error', (error: Error) => {
    if (errorCode(error) !== 'EPIPE' && storageErrorReason(error) === undefined) throw error
  })
  return pino({ level, base: facts, timestamp: pino.stdTimeFunctions.isoTime }, output)
}

export const silentLog: Log = {
  debug() {},
  info() {},
  warn() {},
  error() {},
  child: () => silentLog,
}
