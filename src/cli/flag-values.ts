/** Parsers of flag values for commander, which adds the name of the flag to their messages. */
import { InvalidArgumentError } from 'commander'

const MAX_DIGITS = 9

export function wholeNumber(text: string): number {
  if (/^\d+$/.test(text) && text.length <= MAX_DIGITS) return Number(text)
  throw new InvalidArgumentError('expected a whole number')
}

export function positiveWholeNumber(text: string): number {
  const value = wholeNumber(text)
  if (value > 0) return value
  throw new InvalidArgumentError('expected 1 or more')
}

export function positiveNumber(text: string): number {
  const value = Number(text)
  if (value > 0 && Number.isFinite(value)) return value
  throw new InvalidArgumentError('expected a number above 0')
}
