/** The interface of asynchrony policies: how gradients of older weights are applied. Each is a file of this folder, listed in `policies.ts`. */
import type { AsyncPolicy as Settings } from '../../contract/training.ts'
import type { ElementKernel } from '../kernel.ts'

export type PolicyType = Settings['type']

/** What a policy may access: the trainable weights, and the push that is about to be applied. */
export interface PolicyShard {
  readonly trainableWeights: Float32Array
  /** An array of the length of a push in the memory of the kernels; empty unless the policy `needsScratch`. */
  readonly scratch: Float32Array
  /** Runs a kernel over `w` (weights), `g` (gradient) and `scratch`. */
  runOnGradient(kernel: ElementKernel<'w' | 'g' | 'scratch'>, scalars: Readonly<Record<string, number>>): void
  /** Runs a kernel over `g`, gradient and batch statistics, and `scratch`. */
  runOnPush(kernel: ElementKernel<'g' | 'scratch'>, scalars: Readonly<Record<string, number>>): void
}

/** Where the policy runs. */
export interface PolicyPlace {
  /** Which parameter server. */
  readonly index: number
  /** Workers of the job. */
  readonly workers: number
}

/** A policy with its settings, on one parameter server. A worker is active from its first pull until it disconnects. */
export interface Policy {
  /** Called when the present weights are sent to a worker that is connected. */
  onPull?(worker: number): void
  /** Called when a push has its result, which need not be `applied`. */
  onPushed?(worker: number): void
  /** Called when a worker has disconnected: nothing may wait for it. It may return with another pull. */
  leave?(worker: number): void
  /** Called when a worker was replaced by another pod. */
  forget?(worker: number): void
  /** Whether the worker must wait with its next pull. It is asked again after each call of the functions above. */
  mustWait?(worker: number): boolean
  /** Called when the worker has waited for as long as one request may be open; it asks again if it still must wait. */
  onWaited?(worker: number): void
  /** May change the gradient. @returns a factor for the learning rate */
  beforeUpdate(push: { worker: number; staleness: number }): number
  /** Present if several pushes make one update. */
  readonly gathering?: Gathering
}

/** The pushes for the next update. */
export interface Gathering {
  /** The result of a push that cannot take part; undefined: it can. */
  refusal(push: { worker: number; staleness: number }): 'stale' | 'wait' | undefined
  /** Takes the push that is about to be applied. */
  add(push: { worker: number; batches: number }): void
  /** Whether there are enough for an update. May also change when a worker leaves. */
  readonly isComplete: boolean
  /** Puts their mean in the place of a push, and begins anew. @returns the batches of the mean */
  take(): number
}

export interface PolicyKind<Type extends PolicyType = PolicyType> {
  readonly needsScratch?: true
  readonly kernels?: readonly ElementKernel[]
  create(settings: Extract<Settings, { type: Type }>, shard: PolicyShard, place: PolicyPlace): Policy
}
