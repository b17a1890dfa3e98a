import { InvalidArgumentError } from 'commander'
import { wholeNumber } from '../src/cli/flag-values.ts'

/** @example seedList('1,2,3') */
export function seedList(text: string): number[] {
  const seeds = text.split(',').map(wholeNumber)
  if (new Set(seeds).size < seeds.length) throw new InvalidArgumentError('expected each seed once')
  return seeds
}
