import { errorText } from '../support/errors.ts'
import { printableText } from '../support/printable.ts'

/** An error of ours is a sentence with a code; anything else is a bug and shows where. */
export function fail(error: unknown): void {
  const isOurs = (error as { name?: string })?.name === 'DownpourError'
  const places = isOurs || !(error instanceof Error) ? '' : placesOf(error)
  process.stderr.write(`downpour: ${printableText(`${errorText(error)}${places}`)}\n`)
  process.exitCode = 1
}

/** The stack without its head, which is the message again. */
function placesOf({ stack = '' }: Error): string {
  const at = stack.search(/\n +at /)
  return at < 0 ? '' : stack.slice(at)
}
