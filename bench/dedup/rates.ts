/** Recall and precision of a list of duplicates. */
import type { Duplicate } from '../../src/dedup/list.ts'
import type { Planted } from './plant.ts'

export interface Rates {
  readonly planted: number
  readonly found: number
  /** Listed pictures of this kind, right or wrong. */
  readonly listed: number
  /** Share of the planted copies that are listed with the picture that they are a copy of. */
  readonly recall: number
  /** Share of the listed pictures that are planted copies. */
  readonly precision: number
}

/** @param listed those whose training picture, or whose test picture, is of the kind that `planted` has */
export function ratesOf(planted: readonly Planted[], listed: readonly Duplicate[]): Rates {
  const pairs = new Set(planted.map(({ test, training }) => `${test}\t${training}`))
  const found = listed.filter(({ test, training }) => pairs.has(`${test}\t${training}`)).length
  const precision = listed.length > 0 ? found / listed.length : 1
  return { planted: planted.length, found, listed: listed.length, recall: found / planted.length, precision }
}

/** Rates for each kind of copy, each kind of picture, and all. */
export function ratesByKind(planted: readonly Planted[], listed: readonly Duplicate[]): Record<string, Rates> {
  const copies = Map.groupBy(planted, ({ copy }) => copy)
  const pictures = Map.groupBy(planted, ({ picture }) => picture)
  return {
    ...Object.fromEntries(
      [...copies].map(([copy, some]) => [
        copy,
        ratesOf(
          some,
          listed.filter(({ training }) => training.startsWith(`copy-${copy}-`)),
        ),
      ]),
    ),
    ...Object.fromEntries(
      [...pictures].map(([picture, some]) => [
        `of ${picture}`,
        ratesOf(
          some,
          listed.filter(({ test }) => test.replace(/-\d+$/, '') === picture),
        ),
      ]),
    ),
    all: ratesOf(planted, listed),
  }
}
