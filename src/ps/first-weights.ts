/** Compares the variables of a new job with those of the checkpoint that it starts from, by name. */
import type { Manifest } from '../checkpoint/manifest.ts'
import { type Ancestor, type InitReport, MAX_LINEAGE, MAX_NAMES } from '../contract/first-weights.ts'
import { DownpourError } from '../support/errors.ts'
import { type StoredVariable, sizeOf, type VariableSpec } from '../support/variables.ts'

/** What each checkpoint of a job stores about its first weights. */
export type FirstWeights = Pick<Manifest, 'init' | 'lineage'>

/** Empty for a checkpoint of an older version. */
export function pickFirstWeights({ init, lineage }: FirstWeights): FirstWeights {
  return { ...(init && { init }), ...(lineage && { lineage }) }
}

/** A checkpoint, as the folder and the digest of its manifest identify it. */
export interface SourceManifest {
  folder: string
  digest: string
  manifest: Pick<Manifest, 'job' | 'step' | 'lineage' | 'model' | 'layout'>
}

/**
 * @param variables of the whole model
 * @throws DownpourError CHECKPOINT_INCOMPLETE, CHECKPOINT_OTHER_MODEL
 */
export function firstWeightsOf(variables: readonly VariableSpec[], source?: SourceManifest): Required<FirstWeights> {
  if (!source) return { init: reportOf([], [], variables), lineage: [] }
  const { folder, manifest } = source
  const stored = new Map(manifest.layout.variables.map((variable) => [variable.name, variable]))
  const wanted = variables.filter(({ restored }) => restored !== false)
  assertHas(folder, stored, wanted)
  for (const { name } of wanted) stored.delete(name)
  const skipped = [...stored.values()]
  assertWhole(source, skipped)
  const created = variables.filter(({ restored }) => restored === false)
  return { init: reportOf(wanted, skipped, created), lineage: lineageFrom(source) }
}

type Named = Pick<VariableSpec, 'name' | 'shape'>

function reportOf(loaded: readonly Named[], skipped: readonly Named[], created: readonly Named[]): InitReport {
  return { loaded: summaryOf(loaded), skipped: summaryOf(skipped), new: summaryOf(created) }
}

function summaryOf(variables: readonly Named[]): InitReport['loaded'] {
  return {
    variables: variables.length,
    values: variables.reduce((sum, { shape }) => sum + sizeOf(shape), 0),
    names: variables.slice(0, MAX_NAMES).map(({ name }) => name),
  }
}

/** The source itself, then its own ancestors; the most distant ones are dropped. */
function lineageFrom({ manifest, digest }: SourceManifest): Ancestor[] {
  const { job, step, lineage = [] } = manifest
  return [{ kind: job.kind, name: job.name, step, digest }, ...lineage].slice(0, MAX_LINEAGE)
}

/** @throws DownpourError CHECKPOINT_INCOMPLETE unless each variable is stored with the same shape */
export function assertHas(
  folder: string,
  stored: ReadonlyMap<string, Pick<VariableSpec, 'shape'>>,
  wanted: readonly Named[],
): void {
  const wrong = wanted.flatMap(({ name, shape }) => {
    const found = stored.get(name)
    if (!found) return [`${name} (missing)`]
    return String(found.shape) === String(shape) ? [] : [`${name} ([${found.shape}], expected [${shape}])`]
  })
  if (wrong.length === 0) return
  const message = `${folder} does not fit this model: ${someOf(wrong)}`
  throw new DownpourError('CHECKPOINT_INCOMPLETE', message, { folder, wrong: wrong.length })
}

/**
 * A deeper ResNet has every name and shape of a shallower one. Checkpoints that name their model are compared by it
 * earlier.
 * @throws DownpourError CHECKPOINT_OTHER_MODEL
 */
function assertWhole({ folder, manifest }: SourceManifest, skipped: readonly StoredVariable[]): void {
  const others = manifest.model ? [] : skipped.filter(({ head }) => !head).map(({ name }) => name)
  if (others.length === 0) return
  const message = `${folder} is a checkpoint of another model: spec.model of the job has no ${someOf(others)}`
  throw new DownpourError('CHECKPOINT_OTHER_MODEL', message, { folder, others: others.length })
}

/** @example 'a, b, c, d, and 3 more' */
function someOf(names: readonly string[]): string {
  const more = names.length - MAX_NAMES
  return `${names.slice(0, MAX_NAMES).join(', ')}${more > 0 ? `, and ${more} more` : ''}`
}
