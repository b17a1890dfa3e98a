import { type Log, silentLog } from '../../support/log.ts'

export interface WarningLog extends Log {
  readonly warnings: readonly string[]
}

/** A log that keeps warnings as sentences, for a command whose user reads no JSON lines. */
export function warningLog(): WarningLog {
  const warnings: string[] = []
  const warn = (facts: object, message: string) => {
    const details = Object.entries(facts).map(([name, value]) => `${name} ${[value].flat().join(', ')}`)
    warnings.push([message, ...details].join('; '))
  }
  const log: WarningLog = { ...silentLog, warnings, warn, error: warn, child: () => log }
  return log
}
