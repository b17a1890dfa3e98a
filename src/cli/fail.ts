import { errorCode, errorMessage } from '../support/errors.ts'
import { printable } from '../support/shown.ts'

/** An error of ours is a sentence with a code; anything else is a bug and shows where. */
export function fail(error: unknown): void {
  const ours = (error as { name?: string })?.name === 'DownpourError'
  const stack = ours || !(error instanceof Error) ? '' : `\n${error.stack}`
  process.stderr.write(`downpour: ${errorCode(error)}: ${printable(`${errorMessage(error)}${stack}`)}\n`)
  process.exitCode = 1
}
