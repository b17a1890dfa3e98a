/** Names of labels in messages. */
import { printable } from '../support/printable.ts'
import type { Label } from './labels.ts'
import { lookalikeKey } from './scan/names.ts'

const SHOWN = 5

/**
 * @returns ', and one is "Cat"' if one of the names differs from a label only in case, blanks or the like; otherwise ''
 */
export function similarName(names: readonly string[], labels: readonly Pick<Label, 'name'>[]): string {
  const byKey = new Map(labels.map(({ name }) => [lookalikeKey(name), name]))
  const similar = names.map((name) => byKey.get(lookalikeKey(name))).find((name) => name !== undefined)
  return similar === undefined ? '' : `, and one is "${printable(similar)}"`
}

/** @example '"ant", "bee" and 3 more' */
export function someNames(names: readonly string[]): string {
  const shown = names.slice(0, SHOWN).map((name) => `"${printable(name)}"`)
  const more = names.length - shown.length
  return more > 0 ? `${shown.join(', ')} and ${more} more` : shown.join(', ')
}
