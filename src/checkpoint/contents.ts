/** What the shard files hold, held against the layout that the manifest states: every value is there, once, and a number. */
import { DownpourError } from '../support/errors.ts'
import type { StoredVariable } from '../support/variables.ts'
import type { Manifest } from './manifest.ts'
import type { Tensor } from './safetensors.ts'

/** Slots are stored beside the weights as `optimizer.SLOT:VARIABLE`. */
const SLOT = /^optimizer\.([a-z0-9]+):(.+)$/s

export function slotTensorName(slot: string, variable: string): string {
  return `optimizer.${slot}:${variable}`
}

/** `slot` is absent for a weight. A variable of the layout may itself be named like a slot. */
export interface StoredName {
  name: string
  slot: string | undefined
}

/** Fed file after file; `finish` says whether all of it was there. */
export class Contents {
  readonly #variables: ReadonlyMap<string, StoredVariable>
  readonly #stored = new Set<string>()
  /** Slot → how many variables it has. */
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
    if (first !== undefined) throw damaged(folder, `no shard holds '${first}', and ${missing.length - 1} more`)
  }

  #problemOf(tensorName: string, { shape, data }: Tensor): string | undefined {
    const { name, slot } = this.nameOf(tensorName)
    const variable = this.#variables.get(name)
    if (!variable) return 'is no variable of the layout'
    if (this.#stored.has(tensorName)) return 'is in another shard too'
    if (slot !== undefined && variable.kind !== 'trainable') return `belongs to a variable that is ${variable.kind}`
    if (String(shape) !== String(variable.shape)) return `has shape [${shape}], the layout [${variable.shape}]`
    return allFinite(data) ? undefined : 'holds values that are not finite'
  }
}

/** A sum is not finite when a part is not, and is ten times faster than a look at each. */
function allFinite(data: Float32Array): boolean {
  let sum = 0
  for (let i = 0; i < data.length; i++) sum += (data[i] as number) * 0
  return sum === 0
}

function damaged(path: string, reason: string): DownpourError {
  return new DownpourError('CHECKPOINT_CORRUPT', `${path} makes no sense: ${reason}`, { path })
}
