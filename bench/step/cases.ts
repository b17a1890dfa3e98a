/** The networks of the comparison, and the folder that every contender reads: weights, two batches and the architecture. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ARCHITECTURES, type BackboneName, planBlocks, type UnitPlan } from '../../src/models/architectures.ts'
import { createRandom, seedOf } from '../../src/support/random.ts'
import { sizeOf, type VariableSpec } from '../../src/support/variables.ts'
import { denseTargets } from '../../src/tasks/label-loss.ts'
import { createTask } from '../../src/tasks/registry.ts'

export interface Case {
  readonly name: string
  readonly backbone: BackboneName
  readonly batch: number
  readonly pixels: number
  readonly classes: number
  /** Of the steps whose losses are compared: they fall, and rounding does not grow beyond the promise. */
  readonly rate: number
  /** Measured steps of a round, by contender. */
  readonly steps: Readonly<Record<Contender, number>>
  /** The share of the speed of Python TensorFlow that native TensorFlow promises. */
  readonly nativeShare: number
  /** Images a CPU-second that WASM promises. */
  readonly wasmImages?: number
}

export const CONTENDERS = ['python', 'recorded', 'eager', 'wasm'] as const
export type Contender = (typeof CONTENDERS)[number]

const EPSILON = 1e-3

export const CASES: readonly Case[] = [
  {
    name: 'resnet-mini',
    ...{ backbone: 'resnet-mini', batch: 32, pixels: 32, classes: 121, rate: 1e-2 },
    steps: { python: 60, recorded: 60, eager: 30, wasm: 30 },
    nativeShare: 0.8,
    wasmImages: 400,
  },
  {
    name: 'resnet18',
    ...{ backbone: 'resnet18', batch: 16, pixels: 64, classes: 1000, rate: 3e-4 },
    steps: { python: 12, recorded: 12, eager: 6, wasm: 3 },
    nativeShare: 0.9,
    wasmImages: 20,
  },
  {
    name: 'resnet50',
    ...{ backbone: 'resnet50', batch: 8, pixels: 224, classes: 1000, rate: 3e-5 },
    steps: { python: 4, recorded: 4, eager: 2, wasm: 0 },
    nativeShare: 0.9,
  },
]

export async function taskOf({ backbone, classes }: Case) {
  return createTask({
    task: { type: 'multi-label', options: { classes, headSlices: 1 }, input: {} },
    model: { backbone },
    protocol: 'finetune',
    batchNorm: { decay: 0.9, epsilon: EPSILON },
  })
}

/** As the parameter server draws them, so that activations neither vanish nor grow. */
function drawn({ name, shape, init }: VariableSpec): Float32Array {
  const random = createRandom(seedOf(name))
  const one = () => (init.type === 'normal' ? init.stddev * random.normal() : init.type === 'ones' ? 1 : 0)
  return Float32Array.from({ length: sizeOf(shape) }, one)
}

export interface StepBatch {
  readonly images: Float32Array
  readonly targets: readonly { readonly labels: readonly number[] }[]
}

export function batchesOf({ batch, pixels, classes }: Case): readonly [StepBatch, StepBatch] {
  const random = createRandom(0)
  const one = (): StepBatch => ({
    images: Float32Array.from({ length: batch * pixels * pixels * 3 }, () => random.next() * 2 - 1),
    targets: Array.from({ length: batch }, () => ({ labels: [random.int(classes)] })),
  })
  return [one(), one()]
}

export function weightsOf(variables: readonly VariableSpec[]): Map<string, Float32Array> {
  return new Map(variables.map((variable) => [variable.name, drawn(variable)]))
}

/** Writes what tf_function.py reads. */
export async function writeCase(one: Case, folder: string): Promise<void> {
  const { variables } = await taskOf(one)
  const { batch, pixels, classes, backbone } = one
  const architecture = ARCHITECTURES[backbone]
  const units = planBlocks(architecture, { placement: 'lastUnit', outputStride: Number.POSITIVE_INFINITY }).flat()
  const facts = {
    variables: variables.map(({ name, shape, kind }) => ({ name, shape, kind })),
    images: [batch, pixels, pixels, 3],
    targets: [batch, classes],
    epsilon: EPSILON,
    root: architecture.root,
    units: units.map((unit) => ({ name: unit.name, stride: unit.stride, strides: stridesOf(unit) })),
  }
  await writeFile(join(folder, 'case.json'), JSON.stringify(facts))
  await writeFile(join(folder, 'weights'), Buffer.concat([...weightsOf(variables).values()].map(bytesOf)))
  for (const [i, { images, targets }] of batchesOf(one).entries()) {
    await writeFile(join(folder, `images-${i}`), bytesOf(images))
    const dense = denseTargets(
      targets.map(({ labels }) => labels),
      classes,
    )
    await writeFile(join(folder, `targets-${i}`), bytesOf(dense.values as Float32Array))
  }
}

/** Of the convolutions of a unit. */
function stridesOf({ kind, stride }: UnitPlan): number[] {
  return kind === 'basic' ? [stride, 1] : [1, stride, 1]
}

function bytesOf({ buffer, byteOffset, byteLength }: Float32Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength)
}
