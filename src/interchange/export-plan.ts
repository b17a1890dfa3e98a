/** Decides from a checkpoint's manifest whether and how it can be exported. */
import type { Manifest } from '../checkpoint/manifest.ts'
import type { BackboneName } from '../models/architectures.ts'
import { BACKBONES } from '../models/architectures.ts'
import { DownpourError } from '../support/errors.ts'
import { sizeOf, type VariableSpec, variableSpec } from '../support/variables.ts'
import { TORCHVISION_BACKBONES } from './architecture.ts'
import { type Declaration, TORCH_EPSILON, VARIANT_NAMES, type VariantName } from './metadata.ts'
import { backboneVariables, featuresOf } from './our-variables.ts'
import { assertWholeHead, isHead, type TorchTensor, torchTensors } from './torch-tensors.ts'

export interface ExportWishes {
  /** Write a model that torchvision's network would compute wrongly. */
  readonly allowSlim?: boolean
  /** Leave the last layer out, and whatever else the task has on top of the backbone. */
  readonly backboneOnly?: boolean
}

export interface ExportPlan extends Omit<Declaration, 'classes'> {
  /** Whether the manifest names variant and epsilon; older ones do not. */
  readonly isDeclared: boolean
  readonly tensors: readonly TorchTensor[]
  /** How many variables were left out. */
  readonly leftOut: number
}

const OF_BACKBONE = /^(root|block\d+)\//
const MAX_SHOWN = 3

/** @throws DownpourError CHECKPOINT_OTHER_MODEL, CHECKPOINT_HEAD, EXPORT_… */
export function planExport(folder: string, manifest: Manifest, wishes: ExportWishes): ExportPlan {
  const variables = manifest.layout.variables.map(variableSpec)
  const backbone = backboneOf(folder, manifest, variables)
  const variant = variantOf(folder, manifest, backbone)
  if (variant === 'slim' && !wishes.allowSlim) throw slimRefused(folder, backbone)
  const head = wishes.backboneOnly ? [] : variables.filter(isHead)
  assertWholeHead(head, featuresOf(backbone), folder)
  const kept = variables.filter((variable) => isOfBackbone(variable) || head.includes(variable))
  if (!wishes.backboneOnly) assertNothingElse(folder, backbone, variables, kept)
  const biases = head.filter(({ shape }) => shape.length === 1)
  return {
    backbone,
    variant,
    batchNormEpsilon: manifest.model?.batchNormEpsilon ?? TORCH_EPSILON,
    isDeclared: manifest.model?.batchNormEpsilon !== undefined,
    classCount: head.length === 0 ? undefined : biases.reduce((sum, { shape }) => sum + sizeOf(shape), 0),
    tensors: torchTensors(kept),
    leftOut: variables.length - kept.length,
  }
}

function isOfBackbone({ name }: VariableSpec): boolean {
  return OF_BACKBONE.test(name)
}

/** By the variables, since they are what is exported; the manifest must agree. */
function backboneOf(folder: string, { model }: Manifest, variables: readonly VariableSpec[]): BackboneName {
  const own = factsOf(variables.filter(isOfBackbone))
  const found = BACKBONES.find((name) => factsOf(backboneVariables(name)) === own)
  if (model && model.backbone !== found) {
    const message = `${folder} declares ${model.backbone}, but its variables are those of ${found ?? 'another network'}`
    throw new DownpourError('CHECKPOINT_OTHER_MODEL', message, { folder, declared: model.backbone, found })
  }
  const counterpart = TORCHVISION_BACKBONES.find((name) => name === found)
  if (counterpart) return counterpart
  const message = `${folder} is a checkpoint of ${found ?? 'a network that is unknown here'}, which torchvision does not have: only ${TORCHVISION_BACKBONES.join(', ')} can be exported`
  throw new DownpourError('EXPORT_ARCHITECTURE', message, { folder, found })
}

function factsOf(variables: readonly VariableSpec[]): string {
  return variables
    .map(({ name, shape }) => `${name} ${shape}`)
    .sort()
    .join('\n')
}

/** Checkpoints of versions that had no variants are slim. */
function variantOf(folder: string, { model }: Manifest, backbone: BackboneName): VariantName {
  const declared = model?.variant ?? 'slim'
  const variant = VARIANT_NAMES.find((name) => name === declared)
  if (variant) return variant
  const message = `${folder} is a checkpoint of ${backbone} in the variant ${declared}: expected ${VARIANT_NAMES.join(' or ')}`
  throw new DownpourError('CHECKPOINT_OTHER_MODEL', message, { folder, declared })
}

function slimRefused(folder: string, backbone: BackboneName): DownpourError {
  const message = `${folder} is a ${backbone} of the variant slim: its strides are in the last unit of each block, its max-pool has the padding SAME, and its pixels are in [-1, 1]. torchvision's ${backbone} would accept the weights, because all shapes are the same, and compute something else without an error. Train with spec.model.variant: torchvision to exchange weights, or pass --allow-slim for a file whose metadata says slim`
  return new DownpourError('EXPORT_SLIM', message, { folder })
}

function assertNothingElse(
  folder: string,
  backbone: BackboneName,
  all: readonly VariableSpec[],
  kept: readonly VariableSpec[],
): void {
  const known = new Set(kept)
  const others = all.filter((variable) => !known.has(variable)).map(({ name }) => name)
  if (others.length === 0) return
  const shown = others.slice(0, MAX_SHOWN).join(', ')
  const more = others.length > MAX_SHOWN ? `, and ${others.length - MAX_SHOWN} more` : ''
  const message = `${folder} has variables that ${backbone} of torchvision lacks: ${shown}${more}; pass --backbone-only to leave them and the last layer out`
  throw new DownpourError('EXPORT_VARIABLES', message, { folder, others: others.length })
}
