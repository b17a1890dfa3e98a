/** The tensors of torchvision's ResNets, and the variables that each is made of. */
import { DownpourError } from '../support/errors.ts'
import { sizeOf, type VariableSpec } from '../support/variables.ts'
import { permuted } from './permuted.ts'

export interface TorchTensor {
  readonly name: string
  readonly shape: readonly number[]
  /** One, or the slices of the last layer in their order, which follow each other along the first axis. */
  readonly variables: readonly VariableSpec[]
}

export const FC = { weight: 'fc.weight', bias: 'fc.bias' } as const

const HEAD = /^head\/slice_(\d+)\/(weights|bias)$/
const UNIT = /^block(\d+)\/unit_(\d+)\/(shortcut|conv\d)\/(\w+)$/
const ROOT = /^root\/(\w+)$/
/** The last part of a variable's name, and what torchvision calls it below its convolution or its batch norm. */
const OF_CONVOLUTION: Readonly<Record<string, string>> = { weights: 'weight' }
const OF_BATCH_NORM: Readonly<Record<string, string>> = {
  gamma: 'weight',
  beta: 'bias',
  moving_mean: 'running_mean',
  moving_variance: 'running_var',
}
/**
 * By number of axes, where each axis of torchvision's layout is in ours. Filters are height, width, in, out here, and
 * out, in, height, width in torchvision; matrices in, out here, and out, in there.
 */
const TO_TORCH: Readonly<Record<number, readonly number[]>> = { 2: [1, 0], 4: [3, 2, 0, 1] }
const FROM_TORCH: Readonly<Record<number, readonly number[]>> = { 2: [1, 0], 4: [2, 3, 1, 0] }

/** Variables that torchvision's ResNets lack are left out. */
export function torchTensors(variables: readonly VariableSpec[]): TorchTensor[] {
  const named = variables.flatMap((variable) => {
    const name = torchName(variable.name)
    return name === undefined ? [] : [{ name, variable }]
  })
  return [...Map.groupBy(named, ({ name }) => name)].map(([name, members]) => {
    const parts = members.map(({ variable }) => variable).sort((a, b) => sliceOf(a) - sliceOf(b))
    const shapes = parts.map(({ shape }) => torchShape(shape))
    const rows = shapes.reduce((sum, [first = 0]) => sum + first, 0)
    return { name, shape: [rows, ...(shapes[0] ?? []).slice(1)], variables: parts }
  })
}

/** Undefined for a variable that torchvision's ResNets lack. */
export function torchName(variable: string): string | undefined {
  const [, , ofHead] = HEAD.exec(variable) ?? []
  if (ofHead) return ofHead === 'bias' ? FC.bias : FC.weight
  const [, ofRoot = ''] = ROOT.exec(variable) ?? []
  if (ofRoot) return layerName('conv1', 'bn1', ofRoot)
  const [, block, unit, layer = '', part = ''] = UNIT.exec(variable) ?? []
  const place = `layer${block}.${Number(unit) - 1}`
  return layer === 'shortcut'
    ? layerName(`${place}.downsample.0`, `${place}.downsample.1`, part)
    : layerName(`${place}.${layer}`, `${place}.${layer.replace('conv', 'bn')}`, part)
}

function layerName(convolution: string, batchNorm: string, part: string): string | undefined {
  if (OF_CONVOLUTION[part]) return `${convolution}.${OF_CONVOLUTION[part]}`
  return OF_BATCH_NORM[part] && `${batchNorm}.${OF_BATCH_NORM[part]}`
}

/** The counters of batches that torchvision keeps beside the statistics. They have no counterpart here. */
export function counterNames(tensors: readonly TorchTensor[]): string[] {
  const means = tensors.map(({ name }) => name).filter((name) => name.endsWith('.running_mean'))
  return means.map((name) => name.replace(/running_mean$/, 'num_batches_tracked'))
}

export function isHead({ name }: Pick<VariableSpec, 'name'>): boolean {
  return HEAD.test(name)
}

function sliceOf({ name }: VariableSpec): number {
  return Number(HEAD.exec(name)?.[1] ?? 0)
}

function torchShape(shape: readonly number[]): number[] {
  return (TO_TORCH[shape.length] ?? [...shape.keys()]).map((axis) => shape[axis] as number)
}

/** Values in torchvision's order. @param shape in the order of our axes */
export function toTorch(values: Float32Array, shape: readonly number[]): Float32Array {
  const order = TO_TORCH[shape.length]
  return order ? permuted(values, shape, order) : values
}

/** Values in our order. @param shape in the order of our axes */
export function fromTorch(values: Float32Array, shape: readonly number[]): Float32Array {
  const order = FROM_TORCH[shape.length]
  return order ? permuted(values, torchShape(shape), order) : values
}

/** @throws DownpourError CHECKPOINT_HEAD: a slice of the last layer is missing, or slices do not fit together */
export function assertWholeHead(head: readonly VariableSpec[], features: number, folder: string): void {
  for (const [name, parts] of Map.groupBy(head, (variable) => torchName(variable.name))) {
    const slices = parts.map(sliceOf).sort((a, b) => a - b)
    const missing = slices.findIndex((slice, i) => slice !== i)
    const alien = parts.find(({ shape }) => shape.length === 2 && shape[0] !== features)
    if (missing >= 0) throw brokenHead(folder, `${name} lacks slice ${missing}`)
    if (alien) throw brokenHead(folder, `${alien.name} has ${alien.shape[0]} inputs, expected ${features}`)
  }
  const [weights, biases] = [2, 1].map((axes) => head.filter(({ shape }) => shape.length === axes))
  const outputs = (weights ?? []).reduce((sum, { shape }) => sum + (shape[1] ?? 0), 0)
  const offsets = (biases ?? []).reduce((sum, { shape }) => sum + sizeOf(shape), 0)
  if (outputs !== offsets) throw brokenHead(folder, `it has ${outputs} outputs and ${offsets} biases`)
}

function brokenHead(folder: string, reason: string): DownpourError {
  return new DownpourError('CHECKPOINT_HEAD', `${folder}: the last layer is incomplete: ${reason}`, { folder })
}
