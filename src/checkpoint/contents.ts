/** Compares the tensors of shard files with the layout in the manifest: each must exist once, and be finite. */
import { DownpourError } from '../support/errors.ts'
import type { StoredVariable } from '../support/variables.ts'
import type { Manifest } from './manifest.ts'
import type { Tensor } from './safetensors.ts'

/** Name of an optimizer slot: `optimizer.SLOT:VARIABLE`. */
const SLOT = /^optimizer\.([a-z0-9]+):(.+)$/s

export function slotTensorName(slot: string, variable: string): string {
  return `optimizer.${slot}:${variable}`
}

/** `slot` is undefined for a weight. A variable of the layout may have a name like that of a slot. */
export interface StoredName {
  name: string
  slot: string | undefined
}

/** Add each file, then call `finish`, which checks that nothing is missing. */
export class Contents {
  readonly #variables: ReadonlyMap<string, StoredVariable>
  readonly #stored = new Set<string>()
  /** Slot → number of its variables. */
  readonly #slots = new Map<string, number>()

  constructor({ layout }: Manifest) {
    this.#variables = new Map(layout.variables.map((variable) => [variable.name, variable]))
  }

  nameOf(tensorName: string): StoredName {
    const [, slot, variable] = this.#variables.has(tensorName) ? [] : (SLOT.exec(tensorName) ?? [])
    return { name: variable ?? tensorName, slot }
  }

  /** @throws DownpourError CHECKPOINT_CORRUPT */
  add(path: string, tensors: ReadonlyMap<string, Tensor>): void {
    for (const [tensorName, tensor] of tensors) {
      const reason = this.#problemOf(tensorName, tensor)
      if (reason) throw damaged(path, `tensor '${tensorName}' ${reason}`)
      this.#stored.add(tensorName)
      const { slot } = this.nameOf(tensorName)
      if (slot !== undefined) this.#slots.set(slot, 1 + (this.#slots.get(slot) ?? 0))
    }
  }

  /** @throws DownpourError CHECKPOINT_CORRUPT */
  finish(folder: string): void {
    const variables = [...this.#variables.values()]
    const missing = variables.filter(({ name }) => !this.#stored.has(name)).map(({ name }) => name)
    const trainable = variables.filter(({ kind }) => kind === 'trainable')
    for (const slot of this.#slots.keys())
      for (const { name } of trainable)
        if (!this.#stored.has(slotTensorName(slot, name))) missing.push(slotTensorName(slot, name))
    const [first] = missing
    if (first !== undefined) throw damaged(folder, `no shard contains '${first}', and ${missing.length - 1} more`)
  }

  #problemOf(tensorName: string, { shape, data }: Tensor): string | undefined {
    const { name, slot } = this.nameOf(tensorName)
    const variable = this.#variables.get(name)
    if (!variable) return 'is not a variable of the layout'
    if (this.#stored.has(tensorName)) return 'is in two shards'
    if (slot !== undefined && variable.kind !== 'trainable') return `belongs to a variable that is ${variable.kind}`
    if (String(shape) !== String(variable.shape)) return `has shape [${shape}], the layout [${variable.shape}]`
    return allFinite(data) ? undefined : 'has values that are not finite'
  }
}

/** A sum that is NaN if any value is not finite; ten times faster than checking each value. */
export function allFinite(data: Float32Array): boolean {
  let sum = 0
  for (let i = 0; i < data.length; i++) sum += (data[i] as number) * 0
  return sum === 0
}

function damaged(path: string, reason: string): DownpourError {
  return new DownpourError('CHECKPOINT_CORRUPT', `${path} is inconsistent: ${reason}`, { path })
}
