/** Parameter server 0 coordinates the job: it decides when to save and when the job ends, and serves `/status`. */
import type { RuntimeConfig } from '../contract/runtime.ts'
import {
  type ChosenSource,
  type CoordinatorStatus,
  type Failure,
  MAX_STRAGGLERS,
  type Straggler,
} from '../contract/status.ts'
import { DEFAULT_STRAGGLING } from '../contract/training.ts'
import type { PsMetrics, WorkerPushes } from '../metrics/ps.ts'
import type { Clock } from '../support/clock.ts'
import { errorCode, errorMessage } from '../support/errors.ts'
import type { Log } from '../support/log.ts'
import type { Catalogue } from './catalogue.ts'
import type { History } from './history.ts'
import type { JobClasses } from './job-classes.ts'
import type { PeerShard } from './peers.ts'
import { Progress } from './progress.ts'
import type { Rounds } from './rounds.ts'
import type { PsServer } from './server.ts'
import type { Skipped } from './skipped.ts'
import { Stragglers } from './stragglers.ts'
import type { Applied, Training } from './training.ts'
import { WorkerRates } from './worker-rates.ts'

export interface CoordinatorOptions {
  config: RuntimeConfig
  server: PsServer
  incarnation: number
  clock: Clock
  log: Log
  metrics: PsMetrics
  history: History
  catalogue: Catalogue
  skipped: Skipped
  classes: JobClasses
  /** The checkpoint on a volume that the job started from. */
  source: ChosenSource | null
  /** Step of the checkpoint that the job continues from; 0 for a new job. */
  restoredStep: number
}

const SAVE_RETRY_MS = 1000
/** On SIGTERM, because the grace period is short. */
const SAVE_TRIES = 3
const SAVE_GIVE_UP_MS = 60_000
const REFRESH_EVERY_MS = 2000
/** Error codes of shards that end this generation. */
const DISAGREEMENTS = new Set(['SHARDS_DISAGREE', 'OUTDATED_COORDINATOR'])

export class Coordinator {
  readonly pinned = new Set<number>()
  readonly stragglers: Stragglers
  readonly #options: CoordinatorOptions
  readonly #progress: Progress
  readonly #workers = new WorkerRates()
  #rounds: Rounds | undefined
  #peers: readonly PeerShard[] = []
  #failure: Failure | null = null
  #phase: CoordinatorStatus['phase'] = 'waiting'
  #savedAtMs: number
  #timer: NodeJS.Timeout | undefined
  #stopped = false
  readonly #ended = Promise.withResolvers<Failure | null>()

  constructor(options: CoordinatorOptions) {
    this.#options = options
    this.#progress = new Progress(options.clock)
    this.stragglers = new Stragglers(options.config.stragglers ?? DEFAULT_STRAGGLING, () => options.clock.nowMs())
    this.#savedAtMs = options.clock.monotonicMs()
  }

  get catalogue(): Catalogue {
    return this.#options.catalogue
  }

  get skipped(): Skipped {
    return this.#options.skipped
  }

  get classes(): JobClasses {
    return this.#options.classes
  }

  /** Resolves with null after the final checkpoint, or with the failure that ended the job. */
  get ended(): Promise<Failure | null> {
    return this.#ended.promise
  }

  /** Call when the model is known. */
  begin(rounds: Rounds, peers: readonly PeerShard[]): void {
    this.#rounds = rounds
    this.#peers = peers
    this.#phase = 'training'
    this.#timer = setInterval(() => this.#tick(), REFRESH_EVERY_MS)
    const { training } = this.#options.server.opened ?? {}
    this.#greetPeers()
    if (training?.done) void this.#conclude()
  }

  onApplied({ worker, loss, examples, staleness }: Applied): void {
    const { metrics, clock } = this.#options
    this.#workers.record(worker, staleness, clock.nowMs())
    this.#progress.record(loss, examples)
    metrics.staleness.observe(staleness)
  }

  onUpdated(version: number): void {
    const { metrics, config, history } = this.#options
    this.#progress.recordStep()
    metrics.version.set(version)
    if (version % history.everySteps === 0 || version === config.maxSteps) this.#appendHistory(version)
    const { everySteps, keepSteps } = config.checkpoint
    if (version >= config.maxSteps) void this.#conclude()
    else if (keepSteps.includes(version)) this.#saveExactly()
    else if (everySteps !== undefined && version % everySteps === 0) this.#saveUnlessBusy()
  }

  /** Call for each worker that has said goodbye. */
  onLeft(worker: number): void {
    this.#workers.leave(worker)
  }

  onFailure(failure: Failure): void {
    this.#fail(failure)
  }

  /** Saves a checkpoint, unless the newest one has this step already. */
  async saveNow(): Promise<void> {
    const version = this.#options.server.opened?.training.version ?? 0
    if (version === 0 || !this.#rounds) return
    for (let left = SAVE_TRIES; left > 0 && !(await this.#rounds.save(false)); left--)
      await this.#options.clock.sleep(SAVE_RETRY_MS)
  }

  /** Lets the other shards exit. */
  async stop(): Promise<void> {
    this.#stopped = true
    clearInterval(this.#timer)
    await Promise.all(this.#peers.map((peer) => peer.close()))
    await Promise.all([this.#rounds?.idle(), this.classes.idle()])
  }

  status(): CoordinatorStatus {
    const { config, server, incarnation, restoredStep, catalogue, skipped, classes, source } = this.#options
    const { training, firstWeights } = server.opened ?? {}
    const step = training?.version ?? restoredStep
    const { examplesPerSecond, stepsPerSecond } = this.#progress.rates()
    return {
      role: 'ps',
      index: 0,
      phase: this.#failure ? 'failed' : this.#rounds?.running && this.#phase === 'training' ? 'saving' : this.#phase,
      incarnation,
      step,
      stepsLost: training?.stepsLost ?? 0,
      maxSteps: config.maxSteps,
      loss: this.#progress.loss,
      learningRate: training?.learningRate ?? 0,
      examplesPerSecond,
      etaSeconds: stepsPerSecond > 0 ? Math.round((config.maxSteps - step) / stepsPerSecond) : null,
      staleness: training?.staleness.summary() ?? { mean: 0, p99: 0, max: 0 },
      pushes: training?.counts ?? { applied: 0, duplicate: 0, stale: 0, nonfinite: 0, fenced: 0 },
      workersConnected: server.connectedWorkers,
      workersContributed: training?.workers.contributed ?? 0,
      stragglers: this.#stragglersOf(training),
      epoch: server.opened?.leases?.epoch ?? 0,
      classes: classes.id,
      source,
      init: firstWeights?.init ?? null,
      lineage: firstWeights?.lineage ?? [],
      checkpoints: catalogue.infos,
      pinned: [...this.pinned].sort((a, b) => a - b),
      checkpointsSkipped: skipped.count,
      checkpointFailures: this.#rounds?.failures ?? { count: 0, lastError: null },
      failure: this.#failure,
    }
  }

  /** For the metrics. */
  workers(): WorkerPushes[] {
    const { config, clock } = this.#options
    return config.metrics.perWorker ? this.#workers.list(clock.nowMs()) : []
  }

  #stragglersOf(training: Training | undefined): Straggler[] {
    if (!training || this.#phase !== 'training') return []
    const found = this.stragglers.list().slice(0, MAX_STRAGGLERS)
    return found.flatMap(({ worker, slowness, sinceMs }) => {
      const podUid = training.workers.podUidOf(worker)
      const since = new Date(sinceMs).toISOString()
      return podUid === undefined ? [] : [{ worker, podUid, slowness: Number(slowness.toFixed(2)), since }]
    })
  }

  #appendHistory(step: number): void {
    const { history, clock, server } = this.#options
    const training = server.opened?.training
    const loss = this.#progress.takeMeanLoss()
    if (!training || loss === null) return
    history.append({
      step,
      at: new Date(clock.nowMs()).toISOString(),
      loss,
      learningRate: training.learningRate,
      examplesPerSecond: this.#progress.rates().examplesPerSecond,
      stalenessMean: training.staleness.summary().mean,
      workers: server.connectedWorkers,
    })
  }

  #tick(): void {
    const { everySeconds } = this.#options.config.checkpoint
    if (this.#phase !== 'training') return
    this.stragglers.judge()
    this.#greetPeers()
    const dueMs = everySeconds === undefined ? Number.POSITIVE_INFINITY : this.#savedAtMs + everySeconds * 1000
    if (this.#options.clock.monotonicMs() >= dueMs) this.#saveUnlessBusy()
    else if (!this.#rounds?.running) this.#refresh()
  }

  #refresh(): void {
    const { catalogue, log } = this.#options
    catalogue.refresh().catch((error) => log.warn({ reason: errorMessage(error) }, 'checkpoints cannot be listed now'))
  }

  #greetPeers(): void {
    for (const peer of this.#peers) peer.greet().catch((error) => this.#onSilent(error))
  }

  #onSilent(error: unknown): void {
    const code = errorCode(error)
    this.#options.log.debug({ code, reason: errorMessage(error) }, 'a shard has not answered yet')
    if (DISAGREEMENTS.has(code)) this.#fail({ code, message: errorMessage(error) })
  }

  /** Skips a round while the previous one is still running: the disk is the bottleneck then. */
  #saveUnlessBusy(): void {
    if (!this.#rounds || this.#rounds.running) return
    this.#savedAtMs = this.#options.clock.monotonicMs()
    void this.#rounds.save(false)
  }

  /** Pauses training until the copy of this step is taken, which waits for a round that is still running. */
  #saveExactly(): void {
    const { training } = this.#options.server.opened ?? {}
    const rounds = this.#rounds
    if (!training || !rounds) return
    this.#savedAtMs = this.#options.clock.monotonicMs()
    if (rounds.running) training.held = this.#saveWhenIdle(rounds, training)
    else void rounds.save(false)
  }

  async #saveWhenIdle(rounds: Rounds, training: Training): Promise<void> {
    const { clock, metrics } = this.#options
    const startedMs = clock.monotonicMs()
    while (rounds.running) await rounds.idle()
    metrics.savePauseSeconds.inc((clock.monotonicMs() - startedMs) / 1000)
    void rounds.save(false) // takes the copy before it returns
    training.held = undefined
  }

  async #conclude(): Promise<void> {
    if (this.#phase !== 'training' || !this.#rounds) return
    this.#phase = 'saving'
    const { clock, history } = this.#options
    const giveUpMs = clock.monotonicMs() + SAVE_GIVE_UP_MS
    let isAnnounced = await this.#announceEnd()
    let saved = await this.#rounds.save(true)
    while (!(isAnnounced && saved) && clock.monotonicMs() < giveUpMs) {
      await clock.sleep(SAVE_RETRY_MS)
      if (this.#stopped || this.#failure) return
      isAnnounced = await this.#announceEnd()
      saved = await this.#rounds.save(true)
    }
    if (!saved) {
      const message = `the last checkpoint could not be saved: ${this.#rounds.failures.lastError}; earlier ones are intact`
      return this.#fail({ code: 'CHECKPOINT_FAILED', message })
    }
    await history.flush()
    this.#phase = 'done'
    this.#ended.resolve(null)
  }

  /** Tells the other shards that the job has finished its last step. @returns whether all have confirmed */
  async #announceEnd(): Promise<boolean> {
    const heard = await Promise.allSettled(this.#peers.map((peer) => peer.finish()))
    for (const result of heard) if (result.status === 'rejected') this.#onSilent(result.reason)
    return heard.every(({ status }) => status === 'fulfilled')
  }

  #fail(failure: Failure): void {
    this.#failure ??= failure
    this.#phase = 'failed'
    this.#ended.resolve(this.#failure)
  }
}
