/** Assembles one parameter server: shard, wire, and on index 0 the coordinator. */
import { join } from 'node:path'
import { z } from 'zod'
import type { FileSystem } from '../checkpoint/file-system.ts'
import { assertNewestGeneration, holdGeneration } from '../checkpoint/generation.ts'
import { loadClasses } from '../checkpoint/load.ts'
import { formatVersionOf } from '../checkpoint/stored-names.ts'
import type { ClassList } from '../contract/classes.ts'
import { FILES } from '../contract/files.ts'
import type { RuntimeConfig } from '../contract/runtime.ts'
import type { Failure } from '../contract/status.ts'
import { completeModel, DEFAULT_MAX_WAITING } from '../contract/training.ts'
import type { PsMetrics, TrainingFigures } from '../metrics/ps.ts'
import type { Clock } from '../support/clock.ts'
import { errorCode, errorMessage } from '../support/errors.ts'
import { hostsLookup } from '../support/hosts.ts'
import type { Log } from '../support/log.ts'
import { storedVariable, variableSpec } from '../support/variables.ts'
import { type ModelLayout, makeLayout, placeLayout, placementOf } from '../wire/layout.ts'
import { Catalogue } from './catalogue.ts'
import { Coordinator } from './coordinator.ts'
import type { Origin } from './hello.ts'
import { History } from './history.ts'
import { JobClasses, publishClasses } from './job-classes.ts'
import { openShard } from './opening.ts'
import type { OpenShard } from './peer.ts'
import { PeerShard } from './peers.ts'
import { findOwnCheckpoint, type OwnCheckpoint } from './restore.ts'
import { sweepLeftovers } from './retention.ts'
import { Rounds } from './rounds.ts'
import { DEFAULT_LIMITS, PsServer, type ServerLimits } from './server.ts'
import { Skipped } from './skipped.ts'
import { Snapshots } from './snapshot.ts'
import { JobSource } from './source.ts'
import { assertWritable } from './storage-check.ts'

export interface ParameterServerOptions {
  config: RuntimeConfig
  index: number
  podUid: string
  /** The generation of parameter servers that this one belongs to. */
  attempt: number
  checkpointDir: string
  sourceDir: string
  historyFile: string
  hostsFile: string | undefined
  /** The key that callers must prove to know; undefined: callers are not authenticated. */
  key?: string | undefined
  clock: Clock
  fs: FileSystem
  log: Log
  metrics: PsMetrics
  limits?: Partial<ServerLimits>
  /** That apply a push; by default one. */
  threads?: number
}

const POLL_MS = 50
/** After so long without a connection the coordinator will not come back for its last round. */
const COORDINATOR_GONE_MS = 60_000
/** A coordinator whose connection broke reconnects within this time. */
const COORDINATOR_RETURNS_MS = 5000
const Pins = z.object({ steps: z.array(z.int().min(0)).max(1000) })

export class ParameterServer {
  listening = false
  readonly #options: ParameterServerOptions
  readonly #jobFolder: string
  readonly #incarnation = 1 + Math.floor(Math.random() * 0x7fff_fffe)
  readonly #snapshots: Snapshots
  readonly #server: PsServer
  readonly #source: JobSource
  readonly #ended = Promise.withResolvers<Failure | null>()
  #coordinator: Coordinator | undefined
  #own: OwnCheckpoint = { latest: null, refused: new Set() }
  #closed = false

  constructor(options: ParameterServerOptions) {
    this.#options = options
    const { config, index, key, clock, metrics, log, limits, fs } = options
    this.#jobFolder = join(options.checkpointDir, config.checkpoint.path)
    this.#snapshots = new Snapshots({
      jobFolder: this.#jobFolder,
      shards: config.topology.parameterServers,
      fence: () => this.#fence(),
      onPause: (seconds) => metrics.savePauseSeconds.inc(seconds),
      clock,
      fs,
    })
    this.#source = new JobSource({ ...options, jobFolder: this.#jobFolder, fence: () => this.#fence() })
    this.#server = new PsServer({
      config,
      index,
      key,
      clock,
      metrics,
      log,
      limits,
      open: (layout, dataUnits) => this.#open(layout, dataUnits),
      origin: () => this.#origin,
      onDisagreement: (failure) => this.#ended.resolve(failure),
      onLeft: (worker) => this.#coordinator?.onLeft(worker),
      snapshots: this.#snapshots,
    })
    metrics.training(() => this.#figures())
  }

  /** Resolves with null after the final checkpoint, or with the failure that ended the job. */
  get ended(): Promise<Failure | null> {
    return this.#ended.promise
  }

  /** @param port 0: any free port. @returns the port. @throws DownpourError PORT_TAKEN, CHECKPOINT_* */
  async start(host: string | undefined, port: number): Promise<number> {
    const { config, index, fs, log } = this.#options
    // Before looking for a checkpoint: from here on a former generation cannot commit another one.
    await this.#fence()
    this.#own = await findOwnCheckpoint(this.#jobFolder, fs, log, config.job.uid)
    const restoredStep = this.#own.latest?.manifest.step ?? null
    if (restoredStep === null) {
      await assertWritable(this.#jobFolder, index, fs, log)
      await this.#source.prepare()
    } else if (index === 0) await this.#source.recall()
    if (index === 0) await this.#becomeCoordinator(restoredStep ?? 0, await this.#openClasses())
    else void this.#endWhenFinished()
    const boundPort = await this.#server.listen(host, port)
    this.listening = true
    log.info({ host, port: boundPort, restoredStep }, 'parameter server listens')
    if (index === 0) await this.#concludeWhatIsDone()
    return boundPort
  }

  status(): Record<string, unknown> {
    if (this.#coordinator) return { ...this.#coordinator.status() }
    const { opened, coordinatorAwayMs } = this.#server
    return {
      role: 'ps',
      index: this.#options.index,
      phase: opened ? 'training' : 'waiting',
      version: opened?.training.version ?? 0,
      coordinatorConnected: coordinatorAwayMs === 0,
    }
  }

  #figures(): TrainingFigures | undefined {
    const { training, leases } = this.#server.opened ?? {}
    if (!training) return undefined
    const { learningRate, stepsLost } = training
    return { learningRate, stepsLost, leases: leases?.counts, workers: this.#coordinator?.workers() ?? [] }
  }

  /** Sets the steps whose checkpoints are never purged. @throws ZodError unless the body is { steps } */
  pin(body: unknown): { pinned: number[] } {
    const { steps } = Pins.parse(body)
    const pinned = this.#coordinator?.pinned
    pinned?.clear()
    for (const step of steps) pinned?.add(step)
    return { pinned: steps }
  }

  /**
   * Handles SIGTERM. The coordinator saves a checkpoint. Another shard waits for that round: until the coordinator sends
   * its goodbye or disconnects, or for `waitMs`.
   */
  async suspend(waitMs: number): Promise<void> {
    if (this.#coordinator) await this.#coordinator.saveNow()
    else if (this.#server.opened) await this.#servedLastRound(waitMs)
    await this.close()
  }

  /** Waits until every worker has disconnected, at most `timeoutMs`. */
  async waitUntilAlone(timeoutMs: number): Promise<void> {
    await this.#until(() => this.#server.connectedWorkers === 0, timeoutMs)
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#source.close()
    await this.#coordinator?.stop()
    await this.#server.close()
  }

  /** @throws DownpourError OUTDATED_GENERATION if a newer generation has taken over the folder */
  #fence(): Promise<void> {
    const { index, attempt, fs } = this.#options
    const check = index === 0 ? holdGeneration : assertNewestGeneration
    return check(this.#jobFolder, attempt, fs)
  }

  get #origin(): Origin {
    return { attempt: this.#options.attempt, restored: this.#own.latest?.digest ?? null }
  }

  /** Also writes the list into the job's folder, where the evaluator finds it before the first checkpoint. */
  async #openClasses(): Promise<JobClasses> {
    const { fs, log } = this.#options
    const { latest } = this.#own
    const saved = latest ? await loadClasses(latest.folder, latest.manifest, fs) : undefined
    const path = join(this.#jobFolder, FILES.classes)
    const publish = (list?: ClassList) => publishClasses(path, list, { fs, log, fence: () => this.#fence() })
    await publish(saved?.list)
    return new JobClasses(saved?.list, publish, log)
  }

  async #becomeCoordinator(restoredStep: number, classes: JobClasses): Promise<void> {
    const { config, fs, historyFile, clock, metrics, log } = this.#options
    await sweepLeftovers(this.#jobFolder, fs)
    const history = new History(historyFile, config.maxSteps, log)
    history.truncateAfter(restoredStep)
    const catalogue = this.#catalogue()
    await catalogue.refresh()
    const skipped = new Skipped({ jobFolder: this.#jobFolder, fence: () => this.#fence(), fs, log })
    await skipped.restore()
    metrics.skipped.riseTo(skipped.count)
    this.#coordinator = new Coordinator({
      config,
      clock,
      metrics,
      log,
      server: this.#server,
      incarnation: this.#incarnation,
      history,
      catalogue,
      skipped,
      classes,
      source: this.#source.chosen,
      restoredStep,
    })
    void this.#coordinator.ended.then((ended) => this.#ended.resolve(ended))
  }

  #catalogue(): Catalogue {
    const { config, fs } = this.#options
    const metric = config.evaluation?.metric
    const relativeFolder = config.checkpoint.path
    return new Catalogue({ jobFolder: this.#jobFolder, relativeFolder, metric, refused: this.#own.refused, fs })
  }

  /**
   * Ends a job whose checkpoint has reached maxSteps, without waiting for a worker. This includes a job whose maxSteps was
   * lowered: it ends with the weights that it has.
   */
  async #concludeWhatIsDone(): Promise<void> {
    const { manifest } = this.#own.latest ?? {}
    if (!manifest || manifest.step < this.#options.config.maxSteps) return
    await this.#server.open(makeLayout(manifest.layout.variables.map(variableSpec)), manifest.leases?.units ?? 1)
  }

  async #open(layout: ModelLayout, dataUnits: number): Promise<OpenShard> {
    const { config, index, fs, log, limits, threads } = this.#options
    const { bufferLimitBytes: bodyLimitBytes } = { ...DEFAULT_LIMITS, ...limits }
    try {
      const open = await openShard(layout, dataUnits, {
        config,
        index,
        resources: { bodyLimitBytes, ...(threads && { threads }) },
        source: this.#own.latest ? undefined : await this.#source.open(),
        fs,
        log,
        incarnation: this.#incarnation,
        own: this.#own,
        classes: this.#coordinator?.classes,
        onApplied: (applied) => this.#coordinator?.onApplied(applied),
        onUpdated: (version) => this.#coordinator?.onUpdated(version),
        pace: this.#coordinator?.stragglers,
        onFailure: (failure) =>
          this.#coordinator ? this.#coordinator.onFailure(failure) : this.#ended.resolve(failure),
      })
      this.#snapshots.prepare(open.training.shard)
      if (this.#coordinator) this.#coordinate(this.#coordinator, open, dataUnits)
      return open
    } catch (error) {
      this.#ended.resolve({ code: errorCode(error), message: errorMessage(error) })
      throw error
    }
  }

  #coordinate(coordinator: Coordinator, open: OpenShard, dataUnits: number): void {
    const { config, podUid, hostsFile, key, limits } = this.#options
    const { heartbeatMs } = { ...DEFAULT_LIMITS, ...limits }
    const others = Array.from({ length: config.topology.parameterServers - 1 }, (_, i) => i + 1)
    const peerOptions = { config, podUid, origin: this.#origin, lookup: hostsLookup(hostsFile), key, heartbeatMs }
    const peers = others.map((shard) => new PeerShard(shard, open.layout, dataUnits, peerOptions))
    const rounds = this.#roundsOf(coordinator, open, peers)
    setImmediate(() => coordinator.begin(rounds, peers)) // after the answer to the hello that opened this shard
  }

  #roundsOf(coordinator: Coordinator, open: OpenShard, peers: readonly PeerShard[]): Rounds {
    const { layout, training, leases, firstWeights } = open
    const { config, fs, clock, log, metrics } = this.#options
    const { keep, keepBest, keepSteps } = config.checkpoint
    const placement = placeLayout(layout, config.topology.parameterServers, placementOf(config))
    const formatVersion = formatVersionOf(placement)
    return new Rounds({
      fs,
      clock,
      log,
      metrics,
      jobFolder: this.#jobFolder,
      catalogue: coordinator.catalogue,
      shards: [{ snapshot: (folder) => this.#snapshots.take(training, folder) }, ...peers],
      describe: () => ({
        formatVersion,
        step: training.version,
        job: config.job,
        seed: config.seed,
        task: config.task,
        model: { ...completeModel(config.model), batchNormEpsilon: config.batchNorm.epsilon },
        ...firstWeights,
        optimizer: config.optimizer.type,
        layout: { hash: layout.hash, variables: layout.variables.map(storedVariable) },
        leases: leases?.save() ?? null,
        psIncarnation: this.#incarnation,
      }),
      fence: () => this.#fence(),
      onOutdated: (error) => coordinator.onFailure({ code: errorCode(error), message: errorMessage(error) }),
      classes: () => coordinator.classes.list,
      skipped: coordinator.skipped,
      retention: () => ({
        metric: config.evaluation?.metric,
        keep,
        keepBest,
        maxWaiting: config.evaluation?.maxWaiting ?? DEFAULT_MAX_WAITING,
        pinned: new Set([...coordinator.pinned, ...keepSteps]),
      }),
    })
  }

  /** Waits for the coordinator's last round, also while its connection is broken: it may reconnect. */
  async #endWhenFinished(): Promise<void> {
    await this.#until(() => this.#server.opened?.training.finished === true && this.#isReleased(COORDINATOR_GONE_MS))
    if (!this.#closed) this.#ended.resolve(null)
  }

  async #servedLastRound(waitMs: number): Promise<void> {
    const { clock } = this.#options
    const deadlineMs = clock.monotonicMs() + waitMs
    const isLate = () => clock.monotonicMs() >= deadlineMs && !this.#snapshots.busy
    await this.#until(() => this.#isReleased(COORDINATOR_RETURNS_MS) || isLate())
  }

  #isReleased(afterMs: number): boolean {
    return this.#server.opened?.training.released === true || this.#server.coordinatorAwayMs >= afterMs
  }

  async #until(holds: () => boolean, timeoutMs = Number.POSITIVE_INFINITY): Promise<void> {
    const { clock } = this.#options
    const deadlineMs = clock.monotonicMs() + timeoutMs
    while (!holds() && !this.#closed && clock.monotonicMs() < deadlineMs) await clock.sleep(POLL_MS)
  }
}
