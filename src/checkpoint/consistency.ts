/**
 * Checks that the numbers of a manifest are consistent, because a hash does not: a number that a disk, a tool or a person
 * has changed could end a job as `Succeeded`, or keep it running for ever. Pure.
 */

import { SETTLED_RESULTS } from '../contract/exchange.ts'
import { checkpointFolder } from '../contract/files.ts'
import { errorMessage } from '../support/errors.ts'
import { sizeOf, variableSpec } from '../support/variables.ts'
import { makeLayout } from '../wire/layout.ts'
import { MAX_PUSHES } from '../wire/messages.ts'
import type { LeaseRecord, Manifest, ShardRecord, WorkerRecord } from './manifest.ts'
import { MAX_HEADER_BYTES } from './safetensors-header.ts'

const STEP_FOLDER = /^step-\d+$/
/** How far a shard's count may be ahead of the step: shards apply nearly the same pushes. */
const MAX_AHEAD = { factor: 2, steps: 10_000 }
/** A variable and at most three optimizer slots. */
const MAX_COPIES = 4
const RESULTS: readonly string[] = ['none', ...SETTLED_RESULTS]

/** @returns the first inconsistency, as `field: value: expectation`; undefined: there is none */
export function inconsistencyIn(manifest: Manifest, folderName: string): string | undefined {
  const { step, savedAt, shards, leases } = manifest
  return (
    wrongFolder(step, folderName) ??
    (Number.isNaN(Date.parse(savedAt)) ? `savedAt: ${savedAt}: expected a date` : undefined) ??
    wrongLayout(manifest) ??
    firstOf(shards, (shard, i) => wrongShard(shard, i, manifest)) ??
    repeated(
      shards.map(({ file }) => file),
      'shards.file',
    ) ??
    wrongSize(manifest) ??
    (leases ? wrongLeases(leases) : undefined)
  )
}

function wrongFolder(step: number, folderName: string): string | undefined {
  const expected = checkpointFolder(step)
  if (!STEP_FOLDER.test(folderName) || folderName === expected) return undefined
  return `step: ${step}: it is in the folder ${folderName}`
}

function wrongLayout({ layout }: Manifest): string | undefined {
  try {
    const { hash } = makeLayout(layout.variables.map(variableSpec))
    return hash === layout.hash ? undefined : `layout.hash: ${layout.hash}: its variables have ${hash}`
  } catch (error) {
    return `layout.variables: ${errorMessage(error)}`
  }
}

/** Prevents reading terabytes because of a wrong size. */
function wrongSize({ layout, shards }: Manifest): string | undefined {
  const values = layout.variables.reduce((sum, { shape }) => sum + sizeOf(shape), 0)
  const most = MAX_COPIES * 4 * values + shards.length * MAX_HEADER_BYTES
  const bytes = shards.reduce((sum, shard) => sum + shard.bytes, 0)
  return bytes > most ? `shards.bytes: ${bytes} in all: the layout has ${values} values` : undefined
}

function wrongShard(shard: ShardRecord, i: number, { step, shards }: Manifest): string | undefined {
  const at = `shards.${i}`
  const newest = MAX_AHEAD.factor * step + MAX_AHEAD.steps
  if (shard.index !== i) return `${at}.index: ${shard.index}: expected ${i} of ${shards.length}`
  if (i === 0 && shard.version !== step) return `${at}.version: ${shard.version}: expected the step, ${step}`
  if (shard.version > newest) return `${at}.version: ${shard.version}: far from the step, ${step}`
  return (
    repeated(
      shard.workers.map(({ index }) => index),
      `${at}.workers.index`,
    ) ??
    repeated(
      shard.workers.map(({ podUid }) => podUid),
      `${at}.workers.podUid`,
    ) ??
    repeated(shard.superseded, `${at}.superseded`) ??
    firstOf(shard.workers, (worker, w) => wrongWorker(worker, `${at}.workers.${w}`, shard))
  )
}

function wrongWorker(worker: WorkerRecord, at: string, { superseded }: ShardRecord): string | undefined {
  const { podUid, lastSeq, lastResult } = worker
  if (!RESULTS.includes(lastResult)) return `${at}.lastResult: ${lastResult}: expected ${RESULTS.join(', ')}`
  if ((lastSeq === 0) !== (lastResult === 'none')) return `${at}.lastSeq: ${lastSeq}: with lastResult ${lastResult}`
  if (lastSeq > MAX_PUSHES) return `${at}.lastSeq: ${lastSeq}: at most ${MAX_PUSHES} pushes are possible`
  if (superseded.includes(podUid)) return `${at}.podUid: ${podUid}: this pod was replaced`
  return undefined
}

function wrongLeases({ units, epoch, position, open }: LeaseRecord): string | undefined {
  if (units === 0) return 'leases.units: 0: expected at least 1'
  if (position > units) return `leases.position: ${position}: there are ${units} units`
  return (
    repeated(
      open.map((one) => `${one.epoch}/${one.unit}`),
      'leases.open',
    ) ??
    firstOf(open, (lease, i) =>
      lease.unit >= units || lease.epoch > epoch
        ? `leases.open.${i}: unit ${lease.unit} of epoch ${lease.epoch}: of ${units} units, in epoch ${epoch}`
        : undefined,
    )
  )
}

function repeated(values: readonly (string | number)[], where: string): string | undefined {
  const seen = new Set<string | number>()
  for (const value of values) {
    if (seen.has(value)) return `${where}: ${value}: it occurs twice`
    seen.add(value)
  }
  return undefined
}

function firstOf<T>(values: readonly T[], problem: (value: T, i: number) => string | undefined): string | undefined {
  for (const [i, value] of values.entries()) {
    const found = problem(value, i)
    if (found !== undefined) return found
  }
  return undefined
}
