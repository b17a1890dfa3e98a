/**
 * Applies pushes. Checks in order: fenced, repeated, job done, computed on other weights, warm start, too stale, not
 * finite. Then the optimizer, at once or when the policy has gathered enough pushes. Synchronous: a push is applied
 * completely or not at all (paper.md §4.4).
 */

import { isSettled, type PushResult } from '../contract/exchange.ts'
import type { RuntimeConfig } from '../contract/runtime.ts'
import type { CoordinatorStatus, Failure } from '../contract/status.ts'
import { DownpourError } from '../support/errors.ts'
import { assertLength, type Message } from '../wire/messages.ts'
import { createPolicy } from './async/policies.ts'
import type { Policy } from './async/policy.ts'
import { Gathered } from './gathered.ts'
import { learningRateAt } from './learning-rate.ts'
import type { Shard, ShardCopy } from './shard.ts'
import { StalenessHistogram } from './staleness.ts'
import { type Pace, Turns } from './turns.ts'
import type { WorkerId, WorkerTable } from './workers.ts'

export interface Applied {
  /** Index of the worker. */
  worker: number
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
  /** Called for each applied push. */
  onApplied?: (applied: Applied) => void
  /** Called after each update with the new version. */
  onUpdated?: (version: number) => void
  pace?: Pace
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
  readonly #turns: Turns
  /** Undefined: each push is an update. */
  readonly #gathered: Gathered | undefined
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
    this.#policy = createPolicy(options.config.async.policy, options.shard, {
      index: options.index,
      workers: options.config.topology.workers,
    })
    this.#turns = new Turns(this.#policy, options.pace)
    this.#gathered = this.#policy.gathering && new Gathered(this.#policy.gathering)
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

  /** Whether the worker must wait with its pull. */
  mustWait(who: WorkerId): boolean {
    return this.#isTooEarly(who) || this.#turns.mustWait(who.index)
  }

  /** Resolves when the asynchrony policy lets the worker pull, or after a second: ask `mustWait` again. */
  turn({ index }: WorkerId): Promise<void> {
    return this.#turns.wait(index, () => this.done)
  }

  /** Call when the worker has waited for as long as one request may be open. `turn` does. */
  noteWaited({ index }: WorkerId): void {
    this.#turns.onWaited(index)
  }

  /**
   * Only worker 0 trains until `warmStartSteps`, and until it has pushed the statistics of calibrated batch norm to this
   * shard.
   */
  #isTooEarly({ index }: WorkerId): boolean {
    if (index === 0) return false
    const { warmStartSteps } = this.#options.config.async
    const isWarmStart = this.#options.index === 0 && this.#version < warmStartSteps
    return isWarmStart || this.#isUncalibrated(this.#version)
  }

  /** Whether weights of this version lack the statistics of calibrated batch norm: the first push brings them. */
  #isUncalibrated(version: number): boolean {
    return version === 0 && this.#options.config.batchNorm.mode === 'calibrated'
  }

  /** Call when the present weights are sent to the worker, if it is still connected. */
  notePull({ index }: WorkerId): void {
    this.#turns.onPull(index)
  }

  /** Call when the worker has disconnected. */
  leave(who: WorkerId): void {
    if (!this.workers.isPresent(who)) return
    this.#turns.leave(who.index)
    this.#goOnWithout()
  }

  /** Call when another pod has taken the place of the worker. */
  forget({ index }: WorkerId): void {
    this.#turns.forget(index)
    this.#gathered?.forget(index)
    this.#goOnWithout()
  }

  /**
   * @param body gradients in the format of the job, then batch statistics as float32, in the order of the shard's layout.
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
    const before = this.#version
    const result = this.#judge(who, push, body)
    if (!isSettled(result)) return result
    this.counts[result]++
    record.lastSeq = push.seq
    record.lastResult = result
    record.contributed ||= result === 'applied'
    this.#turns.onPushed(who.index)
    const { loss, examples, baseVersion } = push
    if (result === 'applied')
      this.#options.onApplied?.({ worker: who.index, loss, examples, staleness: before - baseVersion })
    this.#goOn(before)
    return result
  }

  /** After a worker has left: like a push, it makes no update while a checkpoint of exactly this version is due. */
  #goOnWithout(): void {
    if (this.held) void this.held.then(() => this.#goOnWithout())
    else this.#goOn(this.#version)
  }

  /** Makes an update of the pushes that wait for it, if they are enough, reports a new version, and lets workers go on. */
  #goOn(versionBefore: number): void {
    if (this.#gathered?.isComplete && !this.done) this.#update(this.#gathered.take(), 1)
    // The callback may take a checkpoint, so the table of pushes is complete by now.
    if (this.#version > versionBefore) this.#options.onUpdated?.(this.#version)
    this.#turns.wake()
  }

  #judge(who: WorkerId, push: Message<'push'>, body: Uint8Array): PushResult {
    const { maxStaleness } = this.#options.config.async
    if (this.done) return 'done'
    // Computed on weights of another incarnation, or on weights that this one does not have yet.
    if (push.incarnation !== this.incarnation || push.baseVersion > this.#version) {
      this.#noteLost(push.globalStep)
      return 'incarnation'
    }
    if (this.#isTooEarly(who)) return 'wait'
    const staleness = this.#version - push.baseVersion
    if (maxStaleness !== undefined && staleness > maxStaleness) return 'stale'
    const refusal = this.#gathered?.refusal({ worker: who.index, staleness })
    if (refusal) return refusal
    assertLength(body, this.shard.pushBytes)
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
    this.#nonFiniteInRow = 0
    this.staleness.add(staleness)
    if (this.#gathered) this.#gathered.add(this.workers.of(who), batches)
    else this.#update(batches, this.#policy.beforeUpdate({ worker: who.index, staleness }))
  }

  #update(batches: number, scale: number): void {
    this.shard.update({ step: this.#version, learningRate: this.learningRate * scale, batches })
    this.#version++
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

  /**
   * The state for a checkpoint. Gradients that wait for others of their update are not in it, and its table of pushes
   * does not have them either: a restart loses them as it loses later ones.
   * @param into a copy to reuse
   */
  capture(into?: ShardCopy): { version: number; copy: ShardCopy } & ReturnType<WorkerTable['save']> {
    const saved = this.workers.save()
    const workers = this.#gathered?.without(saved.workers) ?? saved.workers
    return { version: this.#version, copy: this.shard.copy(into), ...saved, workers }
  }

  assertAlive(): void {
    if (this.failure) throw new DownpourError(this.failure.code, this.failure.message)
  }
}
