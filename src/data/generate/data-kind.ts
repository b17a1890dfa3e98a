/** What is known of a kind of data set before anything is drawn. */
import type { Making } from './pictures.ts'

export interface Size {
  readonly standard: number
  /** What it counts. */
  readonly description: string
}

export interface DataKind {
  readonly name: string
  readonly description: string
  /** Numbers that the user may choose. `trainImages` is the option --train-images. */
  readonly sizes: Readonly<Record<string, Size>>
  /** @param chosen sizes of this kind; the standard ones replace those that are absent */
  withSizes(chosen: Readonly<Record<string, number>>): DataPlan
}

export interface DataPlan {
  readonly sizes: Readonly<Record<string, number>>
  readonly pictures: number
  /** Fills the folder. @returns a promise of what dataset.json says besides name, seed and sizes */
  make(making: Making): Promise<object>
}

export function dataKind<Name extends string>({
  sizes,
  pictures,
  load,
  ...about
}: {
  readonly name: string
  readonly description: string
  readonly sizes: Readonly<Record<Name, Size>>
  pictures(sizes: Readonly<Record<Name, number>>): number
  /** Imports what draws, when it is needed: the command line starts without it. */
  load(): Promise<(making: Making, sizes: Readonly<Record<Name, number>>) => Promise<object>>
}): DataKind {
  const names = Object.keys(sizes) as Name[]
  const withSizes = (chosen: Readonly<Record<string, number>>): DataPlan => {
    const all = Object.fromEntries(names.map((name) => [name, chosen[name] ?? sizes[name].standard]))
    const known = all as Record<Name, number>
    return { sizes: known, pictures: pictures(known), make: async (making) => (await load())(making, known) }
  }
  return { ...about, sizes, withSizes }
}
