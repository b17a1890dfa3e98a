/** The model's list of variables with its hash, and the deterministic placement of variables on parameter servers. */

import { sha256Of } from '../support/digest.ts'
import { DownpourError } from '../support/errors.ts'
import { sizeOf, type VariableSpec } from '../support/variables.ts'

export interface ModelLayout {
  readonly variables: readonly VariableSpec[]
  /** sha256 over every field of every variable, hex: processes with the same hash have the same byte layout. */
  readonly hash: string
}

export interface LayoutEntry extends VariableSpec {
  /** In float32 elements from the start of the shard. */
  readonly offset: number
  readonly length: number
}

/**
 * The variables of one parameter server, ordered trainable, statistic, frozen. A push has the prefix `trainable +
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

const KIND_ORDER = { trainable: 0, statistic: 1, frozen: 2 } as const

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

/**
 * Places slices of the last layer round-robin, then the other variables, the largest first, on the shard with the fewest
 * bytes (paper.md §4.4). The placement depends only on the layout and the number of parameter servers.
 */
export function placeLayout(layout: ModelLayout, parameterServers: number): Placement {
  const slices = layout.variables.filter((variable) => variable.slice)
  const others = layout.variables
    .filter((variable) => !variable.slice)
    .sort((a, b) => sizeOf(b.shape) - sizeOf(a.shape) || (a.name < b.name ? -1 : 1))
  const parts = Array.from({ length: parameterServers }, (_, index) => {
    const variables = slices.filter((_, i) => i % parameterServers === index)
    return { variables, load: variables.reduce((sum, { shape }) => sum + sizeOf(shape), 0) }
  })
  for (const variable of others) {
    const emptiest = parts.reduce((least, part) => (part.load < least.load ? part : least))
    emptiest.variables.push(variable)
    emptiest.load += sizeOf(variable.shape)
  }
  return { hash: layout.hash, shards: parts.map(({ variables }, index) => layOut(index, variables, layout)) }
}

function layOut(index: number, variables: readonly VariableSpec[], layout: ModelLayout): ShardLayout {
  const rank = new Map(layout.variables.map(({ name }, i) => [name, i]))
  const rankOf = (v: VariableSpec) => rank.get(v.name) ?? 0
  const ordered = variables.toSorted((a, b) => KIND_ORDER[a.kind] - KIND_ORDER[b.kind] || rankOf(a) - rankOf(b))
  const sum = { trainable: 0, statistic: 0, frozen: 0 }
  let offset = 0
  const entries = ordered.map((variable) => {
    const length = sizeOf(variable.shape)
    const entry = { ...variable, offset, length }
    offset += length
    sum[variable.kind] += length
    return entry
  })
  return { index, entries, trainable: sum.trainable, statistic: sum.statistic, total: offset }
}

/** Views of one flat array by variable name, without a copy. */
export function viewsOf(entries: readonly LayoutEntry[], flat: Float32Array): Map<string, Float32Array> {
  return new Map(entries.map(({ name, offset, length }) => [name, flat.subarray(offset, offset + length)]))
}
