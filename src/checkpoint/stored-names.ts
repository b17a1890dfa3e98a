/**
 * Names of the tensors in shard files: a variable `NAME`, a part of one `NAME[START:END]` (elements in row-major order),
 * and an optimizer slot of either `optimizer.SLOT:…`.
 */
import { type StoredVariable, sizeOf } from '../support/variables.ts'
import { isWhole, type Placement } from '../wire/layout.ts'
import type { Manifest } from './manifest.ts'

const SLOT = /^optimizer\.([a-z0-9]+):(.+)$/s
const PART = /^(.+)\[(0|[1-9]\d*):([1-9]\d*)\]$/s

/** A variable, or `length` of its elements from `start`. */
export interface StoredRange {
  readonly start: number
  readonly length: number
}

/** What a tensor is: all of a variable or a part of it; `slot` is undefined for a weight. */
export interface StoredTensor extends StoredRange {
  readonly variable: StoredVariable
  readonly slot: string | undefined
  readonly isWhole: boolean
}

export function slotTensorName(slot: string, tensorName: string): string {
  return `optimizer.${slot}:${tensorName}`
}

export function formatVersionOf({ shards }: Pick<Placement, 'shards'>): Manifest['formatVersion'] {
  return shards.every(({ entries }) => entries.every(isWhole)) ? 1 : 2
}

/** Name and shape of the tensor with these values of a variable; a part is one-dimensional. */
export function tensorOf(range: StoredRange & Pick<StoredVariable, 'name' | 'shape'>): {
  name: string
  shape: readonly number[]
} {
  const { name, shape, start, length } = range
  return isWhole(range) ? { name, shape } : { name: `${name}[${start}:${start + length}]`, shape: [length] }
}

export class StoredNames {
  readonly #variables: ReadonlyMap<string, StoredVariable>

  constructor(variables: readonly StoredVariable[]) {
    this.#variables = new Map(variables.map((variable) => [variable.name, variable]))
  }

  /** Undefined: it belongs to no variable. A variable may have a name like that of a slot or a part. */
  find(tensorName: string): StoredTensor | undefined {
    const weight = this.#find(tensorName)
    if (weight) return { ...weight, slot: undefined }
    const [, slot, rest] = SLOT.exec(tensorName) ?? []
    const found = rest === undefined ? undefined : this.#find(rest)
    return found && { ...found, slot }
  }

  #find(text: string): Omit<StoredTensor, 'slot'> | undefined {
    const whole = this.#variables.get(text)
    if (whole) return { variable: whole, start: 0, length: sizeOf(whole.shape), isWhole: true }
    const [, name, start, end] = PART.exec(text) ?? []
    const variable = name === undefined ? undefined : this.#variables.get(name)
    return variable && { variable, start: Number(start), length: Number(end) - Number(start), isWhole: false }
  }
}

/** Whether the ranges, in any order, cover each of `size` elements once. */
export function areComplete(ranges: readonly StoredRange[], size: number): boolean {
  const sorted = ranges.toSorted((a, b) => a.start - b.start)
  const ends = [0, ...sorted.map(({ start, length }) => start + length)]
  return sorted.length > 0 && sorted.every(({ start }, i) => start === ends[i]) && ends.at(-1) === size
}
