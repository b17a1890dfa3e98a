/**
 * Distributes variables evenly over parameter servers, and cuts few of them: none where that is even already, and else
 * those that do not fit into the emptiest server. Pure and deterministic.
 */
import { sizeOf, type VariableSpec } from '../support/variables.ts'

/** A range of a variable's elements in row-major order. */
export interface Part {
  readonly variable: VariableSpec
  readonly start: number
  readonly length: number
}

/** In the order of a shard. */
export const KINDS = ['trainable', 'statistic', 'frozen'] as const
type Kind = (typeof KINDS)[number]

/** Elements of the smallest part, 64 KiB: a smaller one would cost more than it balances. */
export const MIN_PART = 16_384
/** Of the mean load. Loads differ by less than two smallest parts, so by 5%. */
const MIN_PART_SHARE = 1 / 40

/**
 * Balances trainable variables first, and then all variables, because a push has the former and a pull has all. The loads
 * of two servers differ by less than the largest of: 5% of the mean load, 2 · MIN_PART, and the largest statistic. With n
 * servers there are at most 4 · n parts more than variables. Statistics stay whole, because worker 0 may be replaced
 * while it sends calibrated ones, and halves of two measurements are the statistics of no batch.
 * @returns the parts of each server; a server has at most one of each variable
 */
export function balance(variables: readonly VariableSpec[], parameterServers: number, mayCut: boolean): Part[][] {
  const whole = distribute(variables, parameterServers, () => Number.POSITIVE_INFINITY)
  return !mayCut || isEven(whole) ? whole : distribute(variables, parameterServers, leastPart)
}

function leastPart(kind: Kind, mean: number): number {
  return kind === 'statistic' ? Number.POSITIVE_INFINITY : Math.max(MIN_PART, Math.ceil(mean * MIN_PART_SHARE))
}

function isEven(servers: readonly Part[][]): boolean {
  const trainable = servers.map((parts) => parts.filter(({ variable }) => variable.kind === 'trainable'))
  return [trainable, servers].every((some) => {
    const loads = some.map((parts) => parts.reduce((sum, { length }) => sum + length, 0))
    const mean = loads.reduce((sum, load) => sum + load, 0) / loads.length
    return Math.max(...loads) - Math.min(...loads) < 2 * leastPart('trainable', mean)
  })
}

interface Server {
  readonly parts: Part[]
  /** Elements. */
  load: number
}

/** @param leastOf elements of the smallest part of a kind */
function distribute(
  variables: readonly VariableSpec[],
  parameterServers: number,
  leastOf: (kind: Kind, mean: number) => number,
): Part[][] {
  const servers: Server[] = Array.from({ length: parameterServers }, () => ({ parts: [], load: 0 }))
  let sum = 0
  for (const kind of KINDS) {
    const ofKind = inOrder(variables.filter((variable) => variable.kind === kind))
    sum += ofKind.reduce((total, { shape }) => total + sizeOf(shape), 0)
    const mean = Math.ceil(sum / parameterServers)
    for (const variable of ofKind) place(variable, servers, mean, leastOf(kind, mean))
  }
  return servers.map(({ parts }) => parts)
}

/** Slices of the last layer first, which goes round-robin then (paper.md §4.4), and the other variables, the largest first. */
function inOrder(variables: readonly VariableSpec[]): VariableSpec[] {
  const others = variables
    .filter(({ slice }) => !slice)
    .sort((a, b) => sizeOf(b.shape) - sizeOf(a.shape) || (a.name < b.name ? -1 : 1))
  return [...variables.filter(({ slice }) => slice), ...others]
}

function place(variable: VariableSpec, servers: readonly Server[], mean: number, least: number): void {
  const size = sizeOf(variable.shape)
  let start = 0
  do {
    const emptiest = servers.reduce((best, server) => (server.load < best.load ? server : best))
    const length = lengthOfPart(size - start, mean - emptiest.load, least)
    add(emptiest, { variable, start, length })
    start += length
  } while (start < size)
}

/** A server that was filled nearly to its share may still be the emptiest: then the next part continues the former one. */
function add(server: Server, part: Part): void {
  const { parts } = server
  const last = parts.at(-1)
  server.load += part.length
  if (last?.variable !== part.variable) parts.push(part)
  else parts.splice(-1, 1, { ...last, length: last.length + part.length })
}

/** @param rest elements that are not placed yet @param room elements until the server has its share */
function lengthOfPart(rest: number, room: number, least: number): number {
  if (rest <= room || rest < 2 * least) return rest
  return Math.min(Math.max(room, least), rest - least)
}
