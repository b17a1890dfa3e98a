/** What is done about gradients of older weights. Each policy is a file of this folder, listed in `policies.ts`. */
import type { AsyncPolicy as Settings } from '../../contract/training.ts'
import type { ElementKernel } from '../kernel.ts'

export type PolicyType = Settings['type']

/** What a policy may read and change: the trainable weights, and the gradient that is about to be applied. */
export interface PolicyShard {
  readonly trainableWeights: Float32Array
  /** Room in the memory of the kernels for as many values; empty unless the policy `needsScratch`. */
  readonly scratch: Float32Array
  /** Runs a kernel whose arrays are `w` (weights), `g` (gradient) and `scratch`. */
  runOnGradient(kernel: ElementKernel<'w' | 'g' | 'scratch'>, scalars: Readonly<Record<string, number>>): void
}

/** One of a parameter server, with its settings. */
export interface Policy {
  /** A worker is sent the weights as they are now. */
  onPull?(worker: number): void
  /** Another pod is the worker now. */
  forget?(worker: number): void
  /** May change the gradient. @returns what the learning rate is multiplied by */
  beforeUpdate(push: { worker: number; staleness: number }): number
}

export interface PolicyKind<Type extends PolicyType = PolicyType> {
  readonly needsScratch?: true
  readonly kernel?: ElementKernel
  create(settings: Extract<Settings, { type: Type }>, shard: PolicyShard): Policy
}
