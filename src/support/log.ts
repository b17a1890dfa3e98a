import { pino } from 'pino'
import { errorCode } from './errors.ts'
import { storageErrorReason } from './storage.ts'

/** The part of pino that the code uses: facts first, then a constant message, so that logs can be searched by it. */
export interface Log {
  debug(facts: object, message: string): void
  info(facts: object, message: string): void
  warn(facts: object, message: string): void
  error(facts: object, message: string): void
  child(facts: Record<string, unknown>): Log
}

/** JSON lines on stdout, which `kubectl logs` and log collectors read. */
export function createLog(facts: Record<string, unknown>, level = 'info'): Log {
  const output = pino.destination({ fd: 1, sync: true })
  // A full disk loses lines, a closed pipe loses all of them; neither must end the program that logs.
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
