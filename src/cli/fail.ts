import { errorText } from '../support/errors.ts'
import { printableText } from '../support/printable.ts'

/**
 * Prints an error and sets exit code 1. A DownpourError is printed as code and message; any other error is a bug, so its
 * stack is printed, too.
 */
export function fail(error: unknown): void {
  const isExpected = (error as { name?: string })?.name === 'DownpourError'
  const stack = isExpected || !(error instanceof Error) ? '' : stackLines(error)
  process.stderr.write(`downpour: ${printableText(`${errorText(error)}${stack}`)}\n`)
  process.exitCode = 1
}

/** @returns the stack without its first lines, which repeat the message */
function stackLines({ stack = '' }: Error): string {
  const at = stack.search(/\n +at /)
  return at < 0 ? '' : stack.slice(at)
}
