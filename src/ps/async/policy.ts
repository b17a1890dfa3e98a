/** The interface of asynchrony policies: how gradients of older weights are applied. Each is a file of this folder, listed in `policies.ts`. */
import type { AsyncPolicy as Settings } from '../../contract/training.ts'
import type { ElementKernel } from '../kernel.ts'

export type PolicyType = Settings['type']

/** What a policy may access: the trainable weights, and the gradient that is about to be applied. */
export interface PolicyShard {
  readonly trainableWeights: Float32Array
  /** An array of the same length in the memory of the kernels; empty unless the policy `needsScratch`. */
  readonly scratch: Float32Array
  /** Runs a kernel over `w` (weights), `g` (gradient) and `scratch`. */
  runOnGradient(kernel: ElementKernel<'w' | 'g' | 'scratch'>, scalars: Readonly<Record<string, number>>): void
}

/** A policy with its settings, on one parameter server. */
export interface Policy {
  /** Called when the present weights are sent to a worker. */
  onPull?(worker: number): void
  /** Called when a worker was replaced by another pod. */
  forget?(worker: number): void
  /** May change the gradient. @returns a factor for the learning rate */
  beforeUpdate(push: { worker: number; staleness: number }): number
}

export interface PolicyKind<Type extends PolicyType = PolicyType> {
  readonly needsScratch?: true
  readonly kernel?: ElementKernel
  create(settings: Extract<Settings, { type: Type }>, shard: PolicyShard): Policy
}
