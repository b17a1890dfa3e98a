/** Writes checkpoints of whole networks, as parameter servers do: several shards, a last layer in slices, optimizer slots. */
import { join } from 'node:path'
import { commitFile, makeFolder } from '../../../src/checkpoint/commit.ts'
import { encodeManifest, MANIFEST_FILE, type Manifest } from '../../../src/checkpoint/manifest.ts'
import { encodeSafetensors } from '../../../src/checkpoint/safetensors.ts'
import { formatVersionOf, slotTensorName, tensorOf } from '../../../src/checkpoint/stored-names.ts'
import { type Class, encodeClasses } from '../../../src/contract/classes.ts'
import { checkpointFolder, FILES, shardFile } from '../../../src/contract/files.ts'
import type { BackboneName } from '../../../src/models/architectures.ts'
import { buildBackbone } from '../../../src/models/backbone.ts'
import { VARIANTS } from '../../../src/models/variants.ts'
import { createRandom, seedOf } from '../../../src/support/random.ts'
import { sizeOf, storedVariable, type VariableSpec } from '../../../src/support/variables.ts'
import { classifier } from '../../../src/tasks/classifier.ts'
import { makeLayout, placeLayout } from '../../../src/wire/layout.ts'

export interface NetworkOptions {
  readonly backbone: BackboneName
  readonly classes: number
  readonly headSlices?: number
  readonly variant?: keyof typeof VARIANTS
  readonly epsilon?: number
}

export function network({
  backbone,
  classes,
  headSlices = 1,
  variant = 'torchvision',
  epsilon = 1e-5,
}: NetworkOptions) {
  const built = buildBackbone({ name: backbone, freeze: 'none', batchNorm: { epsilon }, ...VARIANTS[variant] })
  return classifier(built, { classes, headSlices })
}

/** Values near those of a trained network: every variance differs from 1 and every mean from 0. */
export function randomValues({ name, shape, init }: VariableSpec, seed: number): Float32Array {
  const random = createRandom(seedOf(seed, name))
  const values = new Float32Array(sizeOf(shape))
  for (let i = 0; i < values.length; i++) values[i] = drawOne(name, init, random)
  return values
}

function drawOne(name: string, init: VariableSpec['init'], random: ReturnType<typeof createRandom>): number {
  if (name.endsWith('/moving_variance')) return 0.5 + random.next()
  if (name.endsWith('/gamma')) return 0.5 + 0.5 * random.next()
  return (init.type === 'normal' ? init.stddev : 0.2) * random.normal()
}

/** For tests in which values do not matter: drawing 25 million takes seconds. */
export const allZero = ({ shape }: VariableSpec) => new Float32Array(sizeOf(shape))

export interface CheckpointOptions extends NetworkOptions {
  readonly seed: number
  readonly step?: number
  readonly shards?: number
  /** Whether the shards hold the state of an optimizer, too. */
  readonly slots?: boolean
  readonly names?: readonly Class[]
  /** Over what the manifest would have. */
  readonly manifest?: Partial<Manifest>
  /** In place of the network's own variables. */
  readonly variables?: readonly VariableSpec[]
  readonly valuesOf?: (variable: VariableSpec) => Float32Array
}

/** @returns the folder of the checkpoint */
export async function writeNetwork(jobFolder: string, options: CheckpointOptions): Promise<string> {
  const { seed, step = 1500, shards: count = 2, names, valuesOf = (variable) => randomValues(variable, seed) } = options
  const layout = makeLayout(options.variables ?? network(options).variables)
  const folder = join(jobFolder, checkpointFolder(step))
  await makeFolder(folder)
  const shards: Manifest['shards'] = []
  const placement = placeLayout(layout, count)
  for (const { index, entries } of placement.shards) {
    const runs = entries.map((entry) => ({
      tensors: [tensorOf(entry)],
      flat: valuesOf(entry).subarray(entry.start, entry.start + entry.length),
    }))
    const slots = entries
      .filter(({ kind }) => options.slots && kind === 'trainable')
      .map(tensorOf)
      .map(({ name, shape }) => ({
        tensors: [{ name: slotTensorName('momentum', name), shape }],
        flat: new Float32Array(sizeOf(shape)),
      }))
    const file = shardFile(index, count)
    const committed = await commitFile(join(folder, file), encodeSafetensors([...runs, ...slots], { format: 'pt' }))
    shards.push({ index, file, ...committed, incarnation: 1, version: step, workers: [], superseded: [] })
  }
  const { backbone, variant = 'torchvision', epsilon = 1e-5 } = options
  const manifest: Manifest = {
    formatVersion: formatVersionOf(placement),
    step,
    final: true,
    savedAt: '2026-01-01T00:00:00.000Z',
    job: { kind: 'PretrainJob', namespace: 'default', name: 'tiny', uid: 'job-uid' },
    seed,
    model: { backbone, variant, batchNormEpsilon: epsilon },
    optimizer: 'momentum',
    layout: { hash: layout.hash, variables: layout.variables.map(storedVariable) },
    shards,
    leases: null,
    psIncarnation: 1,
    ...(names ? { classes: await writeClasses(folder, names) } : {}),
    ...options.manifest,
  }
  await commitFile(join(folder, MANIFEST_FILE), [encodeManifest(manifest)])
  return folder
}

async function writeClasses(folder: string, names: readonly Class[]): Promise<NonNullable<Manifest['classes']>> {
  const { bytes, count } = encodeClasses(names)
  return { file: FILES.classes, count, ...(await commitFile(join(folder, FILES.classes), [bytes])) }
}
