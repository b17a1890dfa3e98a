/** The backbone of a checkpoint with its weights, without the head of the task. */
import { basename, resolve } from 'node:path'
import { findLatest } from '../checkpoint/list.ts'
import { loadCheckpoint } from '../checkpoint/load.ts'
import type { Manifest } from '../checkpoint/manifest.ts'
import { readManifest } from '../checkpoint/read-manifest.ts'
import { STEP_FOLDER } from '../contract/files.ts'
import { Model } from '../contract/training.ts'
import { ARCHITECTURES } from '../models/architectures.ts'
import { type Backbone, buildBackbone } from '../models/backbone.ts'
import type { Weights } from '../models/layer.ts'
import { VARIANTS } from '../models/variants.ts'
import { toWeights } from '../models/weights.ts'
import { DownpourError } from '../support/errors.ts'

export interface LoadedBackbone {
  readonly backbone: Backbone
  readonly weights: Weights
  readonly name: Model['backbone']
  readonly folder: string
  /** sha256 of the manifest, hex. */
  readonly digest: string
}

/** Checkpoints of older versions do not store it. */
const DEFAULT_EPSILON = 1e-5

/**
 * @param folder a checkpoint (step-…), or a job's folder with checkpoints, of which the newest intact one is used
 * @param given what the checkpoint is of, for checkpoints that do not say it
 * @throws DownpourError CHECKPOINT_…; DEDUP_MODEL: the network is unknown, or is not what `given` says
 */
export async function loadBackbone(folder: string, given: Partial<Model>): Promise<LoadedBackbone> {
  const chosen = await checkpointIn(folder)
  const { manifest, digest } = await readManifest(chosen)
  const { backbone: name, variant = 'slim' } = modelOf(manifest, given, chosen)
  const epsilon = manifest.model?.batchNormEpsilon ?? DEFAULT_EPSILON
  const backbone = buildBackbone({
    ...VARIANTS[variant],
    name,
    freeze: 'none',
    batchNorm: { mode: 'trained', epsilon },
  })
  return { backbone, weights: await weightsOf(backbone, chosen, digest), name, folder: chosen, digest }
}

async function checkpointIn(folder: string): Promise<string> {
  if (STEP_FOLDER.test(basename(resolve(folder)))) return folder
  const { latest, refused } = await findLatest(folder)
  if (latest) return latest.folder
  const [damaged] = refused
  const reason = damaged ? ` is intact (${damaged.name}: ${damaged.reason})` : ': expected folders named step-000000000'
  throw new DownpourError('CHECKPOINT_MISSING', `--checkpoint ${folder}: no checkpoint in it${reason}`, { folder })
}

function modelOf({ model, layout }: Manifest, given: Partial<Model>, folder: string): Model {
  const stored = model && { backbone: model.backbone, variant: model.variant }
  for (const field of ['backbone', 'variant'] as const) {
    if (!stored || given[field] === undefined || stored[field] === given[field]) continue
    const message = `--${field} ${given[field]}: the checkpoint ${folder} is of ${field} ${stored[field]}`
    throw new DownpourError('DEDUP_MODEL', message, { folder, ...stored })
  }
  const { success, data } = Model.safeParse(stored ?? { backbone: fittingBackbone(layout), ...given })
  if (success) return data
  const message = stored
    ? `${folder}: holds a network that is unknown here: backbone ${stored.backbone}, variant ${stored.variant}`
    : `${folder}: does not say which network it is of; name it with --backbone`
  throw new DownpourError('DEDUP_MODEL', message, { folder })
}

/** The largest backbone whose variables a checkpoint of an older version contains: those of resnet50 are in resnet101, too. */
function fittingBackbone({ variables }: Manifest['layout']): string | undefined {
  const shapes = new Map(variables.map(({ name, shape }) => [name, shape.join('×')]))
  return Object.keys(ARCHITECTURES).findLast((name) => {
    const batchNorm = { mode: 'trained', epsilon: DEFAULT_EPSILON } as const
    const backbone = buildBackbone({ name: name as Model['backbone'], freeze: 'none', batchNorm })
    return backbone.variables.every((variable) => shapes.get(variable.name) === variable.shape.join('×'))
  })
}

/** @throws DownpourError CHECKPOINT_INCOMPLETE, before any tensor is allocated */
async function weightsOf({ variables }: Backbone, folder: string, digest: string): Promise<Weights> {
  const only = new Set(variables.map(({ name }) => name))
  const stored = (await loadCheckpoint(folder, { expectDigest: digest, only })).variables
  return toWeights(variables, stored, folder)
}
