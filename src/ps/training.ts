/**
 * Applies pushes. Checks in order: fenced, repeated, job done, computed on other weights, warm start, too stale, not
 * finite. Then the optimizer. Synchronous: a push is applied completely or not at all (paper.md §4.4).
 */
import { isSettled, type PushResult } from '../contract/exchange.ts'
import type { RuntimeConfig } from '../contract/runtime.ts'
import type { CoordinatorStatus, Failure } from '../contract/status.ts'
import { DownpourError } from '../support/errors.ts'
import { floatsOf, type Message } from '../wire/messages.ts'
import { createPolicy } from './async/policies.ts'
import type { Policy } from './async/policy.ts'
import { learningRateAt } from './learning-rate.ts'
import type { Shard, ShardCopy } from './shard.ts'
import { StalenessHistogram } from './staleness.ts'
import type { WorkerId, WorkerTable } from './workers.ts'

export interface Applied {
  /** Index of the worker. */
  worker: number
  /** The version after this push. */
  version: number
  loss: number | null
  examples: number
  staleness: number
}

export interface TrainingOptions {
  config: RuntimeConfig
  /** Which parameter server. The version of number 0 is the global step, so it alone decides when warm start and the job end. */
  index: number
  incarnation: number
  /** Updates that `shard` contains already. */
  version: number
  /** Of the checkpoint that `shard` was restored from; 0 for a new job. */
  globalStep: number
  shard: Shard
  workers: WorkerTable
  onApplied?: (applied: Applied) => void
  onFailure?: (failure: Failure) => void
}

export class Training {
  readonly shard: Shard
  readonly workers: WorkerTable
  readonly incarnation: number
  readonly staleness = new StalenessHistogram()
  readonly counts: CoordinatorStatus['pushes'] = { applied: 0, duplicate: 0, stale: 0, nonfinite: 0, fenced: 0 }
  /** Steps of the former process that are taken again, as far as workers have reported them. */
  stepsLost = 0
  failure: Failure | null = null
  /** Set when the coordinator reports that the job has finished its last step. */
  finished = false
  /** Set by the coordinator's goodbye, after its last round. */
  released = false
  /** While set, pushes wait for a checkpoint of exactly this version. */
  held: Promise<unknown> | undefined
  readonly #options: TrainingOptions
  readonly #policy: Policy
  #version: number
  /** The newest global step that a push has reported. */
  #reportedStep: number
  #nonFiniteInRow = 0

  constructor(options: TrainingOptions) {
    this.#options = options
    this.shard = options.shard
    this.workers = options.workers
    this.incarnation = options.incarnation
    this.#version = options.version
    this.#reportedStep = options.globalStep
    this.#policy = createPolicy(options.config.async.policy, options.shard)
  }

  /** Updates applied to this shard; of parameter server 0: the global step. */
  get version(): number {
    return this.#version
  }

  /** The step of the job. Shards other than 0 know it from pushes, because their own version may differ. */
  get globalStep(): number {
    return this.#options.index === 0 ? this.#version : this.#reportedStep
  }

  get done(): boolean {
    return this.finished || (this.#options.index === 0 && this.#version >= this.#options.config.maxSteps)
  }

  get learningRate(): number {
    const { learningRate, maxSteps } = this.#options.config
    return learningRateAt(learningRate, this.globalStep, maxSteps)
  }

  /**
   * Whether the worker must wait: only worker 0 trains until `warmStartSteps`, and until it has pushed the statistics of
   * calibrated batch norm to this shard.
   */
  mustWait({ index }: WorkerId): boolean {
    if (index === 0) return false
    const { warmStartSteps } = this.#options.config.async
    const isWarmStart = this.#options.index === 0 && this.#version < warmStartSteps
    return isWarmStart || this.#isUncalibrated(this.#version)
  }

  /** Whether weights of this version lack the statistics of calibrated batch norm: the first push brings them. */
  #isUncalibrated(version: number): boolean {
    return version === 0 && this.#options.config.batchNorm.mode === 'calibrated'
  }

  /** Call when the present weights are sent to the worker. */
  notePull({ index }: WorkerId): void {
    this.#policy.onPull?.(index)
  }

  forget({ index }: WorkerId): void {
    this.#policy.forget?.(index)
  }

  /**
   * @param body float32: gradients, then batch statistics, in the order of the shard's layout.
   * @throws DownpourError FENCED, FRAME_BAD_BODY
   */
  push(who: WorkerId, push: Message<'push'>, body: Uint8Array): PushResult {
    const record = this.workers.of(who)
    if (push.seq <= record.lastSeq) {
      const repeated = push.seq === record.lastSeq && record.lastResult !== 'applied'
      if (repeated) return record.lastResult as PushResult
      this.counts.duplicate++
      return 'duplicate'
    }
    const staleness = this.#version - push.baseVersion
    const result = this.#judge(who, push, body)
    if (!isSettled(result)) return result
    this.counts[result]++
    record.lastSeq = push.seq
    record.lastResult = result
    if (result === 'applied') {
      record.contributed = true
      // Last, because the callback may take a checkpoint, which must record this push as applied.
      const { loss, examples } = push
      this.#options.onApplied?.({ worker: who.index, version: this.#version, loss, examples, staleness })
    }
    return result
  }

  #judge(who: WorkerId, push: Message<'push'>, body: Uint8Array): PushResult {
    const { maxStaleness } = this.#options.config.async
    if (this.done) return 'done'
    // Computed on weights of another incarnation, or on weights that this one does not have yet.
    if (push.incarnation !== this.incarnation || push.baseVersion > this.#version) {
      this.#noteLost(push.globalStep)
      return 'incarnation'
    }
    if (this.mustWait(who)) return 'wait'
    const staleness = this.#version - push.baseVersion
    if (maxStaleness !== undefined && staleness > maxStaleness) return 'stale'
    floatsOf(body, this.shard.pushLength)
    if (!this.shard.accept(body)) return this.#refuseNonFinite(who)
    this.#apply(who, staleness, push)
    return 'applied'
  }

  /** The worker has seen a step of the former process that the checkpoint did not contain. */
  #noteLost(seenStep: number): void {
    if (this.#options.index !== 0) return
    this.stepsLost = Math.max(this.stepsLost, seenStep - this.#options.globalStep)
  }

  #apply(who: WorkerId, staleness: number, { batches, globalStep }: Message<'push'>): void {
    this.#reportedStep = Math.max(this.#reportedStep, globalStep)
    const scale = this.#policy.beforeUpdate({ worker: who.index, staleness })
    this.shard.update({ step: this.#version, learningRate: this.learningRate * scale, batches })
    this.#version++
    this.#nonFiniteInRow = 0
    this.staleness.add(staleness)
  }

  #refuseNonFinite(who: WorkerId): PushResult {
    const { maxNonFinite } = this.#options.config
    if (++this.#nonFiniteInRow >= maxNonFinite && !this.failure) {
      const message = `${maxNonFinite} pushes in a row contained NaN or infinite values (the last from worker ${who.index}): lower the learning rate or check the data`
      this.failure = { code: 'NON_FINITE', message }
      this.#options.onFailure?.(this.failure)
    }
    return 'nonfinite'
  }

  /** The state for a checkpoint. @param into a copy to reuse */
  capture(into?: ShardCopy): { version: number; copy: ShardCopy } & ReturnType<WorkerTable['save']> {
    return { version: this.#version, copy: this.shard.copy(into), ...this.workers.save() }
  }

  assertAlive(): void {
    if (this.failure) throw new DownpourError(this.failure.code, this.failure.message)
  }
}
