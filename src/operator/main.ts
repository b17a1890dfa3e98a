/** The operator process: runs until SIGTERM, SIGINT or the loss of its lease. */
import { ENV } from '../contract/runtime.ts'
import { endWithRun } from '../support/end-with-run.ts'
import { createLog, type Log } from '../support/log.ts'
import { readSecret } from '../support/secret.ts'
import { aborted, Operator, type OperatorOptions } from './operator.ts'

/** Runs until SIGTERM or SIGINT. @returns the exit code: 1 when the lease was lost. */
export async function runOperator(given: OperatorOptions): Promise<number> {
  const options = { ...given, runtimeKey: readSecret(process.env[ENV.keyFile]) }
  const log = createLog({ process: 'operator' }, options.logLevel)
  const stopping = new AbortController()
  const stop = (signal: NodeJS.Signals) => {
    log.info({ signal }, 'stopping')
    stopping.abort()
  }
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, stop)
  if (process.env[ENV.stateDir]) endWithRun(() => stop('SIGHUP'), process.exit)
  try {
    return await operate(options, log, stopping.signal)
  } finally {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.off(signal, stop)
  }
}

/** The same without process signals. @param signal starts an orderly shutdown */
export async function operate(options: OperatorOptions, log: Log, signal: AbortSignal): Promise<number> {
  const operator = new Operator(options, log)
  try {
    await operator.start()
    // Only under `downpour run`, which asks for any free port.
    process.send?.({ httpPort: operator.httpPort })
    await operator.lead(signal)
    return await Promise.race([aborted(signal).then(() => 0), operator.lost().then(() => 1)])
  } catch (error) {
    if (!signal.aborted) throw error
    return 0
  } finally {
    await operator.stop()
  }
}
