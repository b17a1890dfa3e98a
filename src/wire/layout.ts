/** The model's list of variables with its hash, and the deterministic placement of variables on parameter servers. */

import { sha256Of } from '../support/digest.ts'
import { DownpourError } from '../support/errors.ts'
import { sizeOf, type VariableSpec } from '../support/variables.ts'
import { balance, KINDS, type Part } from './balance.ts'

export interface ModelLayout {
  readonly variables: readonly VariableSpec[]
  /** sha256 over every field of every variable, hex: processes with the same hash have the same byte layout. */
  readonly hash: string
}

/** A variable, or a range of its elements in row-major order where it is cut. `shape` is that of the whole variable. */
export interface LayoutEntry extends VariableSpec {
  /** In float32 elements from the start of the shard. */
  readonly offset: number
  /** The first element of the variable that is here; 0 unless it is cut. */
  readonly start: number
  readonly length: number
}

/**
 * The variables and parts of variables of one parameter server, ordered trainable, statistic, frozen. A push has the prefix `trainable +
 * statistic` (gradients, then batch statistics), a pull has everything, and optimizer slots match the prefix `trainable`.
 * All counts are float32 elements.
 */
export interface ShardLayout {
  readonly index: number
  readonly entries: readonly LayoutEntry[]
  readonly trainable: number
  readonly statistic: number
  readonly total: number
}

export interface Placement {
  readonly hash: string
  readonly shards: readonly ShardLayout[]
}

/** @throws DownpourError LAYOUT_INVALID for a name used twice or an empty model. */
export function makeLayout(variables: readonly VariableSpec[]): ModelLayout {
  const seen = new Set<string>()
  for (const { name } of variables) {
    if (seen.has(name)) throw new DownpourError('LAYOUT_INVALID', `two variables are named '${name}'`, { name })
    seen.add(name)
  }
  if (seen.size === 0) throw new DownpourError('LAYOUT_INVALID', 'a model needs at least one variable')
  return { variables, hash: hashOf(variables) }
}

function hashOf(variables: readonly VariableSpec[]): string {
  const facts = variables.map((v) => {
    const init = Object.entries(v.init).sort(([a], [b]) => (a < b ? -1 : 1))
    const facts = [v.name, v.shape, v.kind, v.decay, init, v.slice ?? false, v.restored === false]
    // Left out where it is absent: layouts without it keep the hash that stored checkpoints have.
    return v.learningRateMultiplier === undefined ? facts : [...facts, v.learningRateMultiplier]
  })
  return sha256Of(JSON.stringify(facts))
}

export interface PlacementOptions {
  /** Cuts no variable, as `gradientClipNorm` needs: a server that limits the norm of a gradient must have all of it. */
  readonly whole?: boolean
}

/** How the parameter servers and workers of a job place its variables. */
export function placementOf({ gradientClipNorm }: { gradientClipNorm?: number | undefined }): PlacementOptions {
  return { whole: gradientClipNorm !== undefined }
}

/** The placement depends only on the layout, the number of parameter servers and `whole`. */
export function placeLayout(
  layout: ModelLayout,
  parameterServers: number,
  { whole = false }: PlacementOptions = {},
): Placement {
  const rank = rankOf(layout.variables)
  const shards = balance(layout.variables, parameterServers, !whole).map((parts, index) => layOut(index, parts, rank))
  return { hash: layout.hash, shards }
}

/** The whole model as one shard. */
export function wholeLayout({ variables }: Pick<ModelLayout, 'variables'>): ShardLayout {
  const parts = variables.map((variable) => ({ variable, start: 0, length: sizeOf(variable.shape) }))
  return layOut(0, parts, rankOf(variables))
}

function rankOf(variables: readonly VariableSpec[]): ReadonlyMap<string, number> {
  return new Map(variables.map(({ name }, i) => [name, i]))
}

function layOut(index: number, parts: readonly Part[], rank: ReadonlyMap<string, number>): ShardLayout {
  const placeOf = ({ variable: { name } }: Part) => rank.get(name) ?? 0
  const kindOf = ({ variable: { kind } }: Part) => KINDS.indexOf(kind)
  const ordered = parts.toSorted((a, b) => kindOf(a) - kindOf(b) || placeOf(a) - placeOf(b))
  const sum = { trainable: 0, statistic: 0, frozen: 0 }
  let offset = 0
  const entries = ordered.map(({ variable, start, length }) => {
    const entry = { ...variable, offset, start, length }
    offset += length
    sum[variable.kind] += length
    return entry
  })
  return { index, entries, trainable: sum.trainable, statistic: sum.statistic, total: offset }
}

export function isWhole({ length, shape }: Pick<LayoutEntry, 'length' | 'shape'>): boolean {
  return length === sizeOf(shape)
}

/** Views of one flat array by variable name, without a copy. */
export function viewsOf(entries: readonly LayoutEntry[], flat: Float32Array): Map<string, Float32Array> {
  return new Map(entries.map(({ name, offset, length }) => [name, flat.subarray(offset, offset + length)]))
}
