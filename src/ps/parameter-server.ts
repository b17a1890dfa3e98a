/** One parameter server put together: shard, wire, and for index 0 the coordinator. */
import { join } from 'node:path'
import { z } from 'zod'
import type { FileSystem } from '../checkpoint/file-system.ts'
import type { ListedCheckpoint } from '../checkpoint/list.ts'
import type { RuntimeConfig } from '../contract/runtime.ts'
import type { PsMetrics } from '../metrics/ps.ts'
import type { Clock } from '../support/clock.ts'
import { errorCode, errorMessage } from '../support/errors.ts'
import { hostsLookup } from '../support/hosts.ts'
import type { Log } from '../support/log.ts'
import { type ModelLayout, placeLayout, plainVariables } from '../wire/layout.ts'
import { Coordinator } from './coordinator.ts'
import { History } from './history.ts'
import { LeaseTable } from './leases.ts'
import { PeerShard } from './peers.ts'
import { assertSource, createShard, findOwn, initialise, restoreOwn } from './restore.ts'
import { sweepLeftovers } from './retention.ts'
import { Rounds } from './rounds.ts'
import { type OpenShard, PsServer } from './server.ts'
import { Snapshots } from './snapshot.ts'
import { type Failure, Training } from './training.ts'
import { WorkerTable } from './workers.ts'

export interface ParameterServerOptions {
  config: RuntimeConfig
  index: number
  podUid: string
  checkpointDir: string
  sourceDir: string | undefined
  historyFile: string
  hostsFile: string | undefined
  clock: Clock
  fs: FileSystem
  log: Log
  metrics: PsMetrics
  heartbeatMs?: number
}

const PEER_HEARTBEAT_MS = 10_000
const POLL_MS = 50
const Pins = z.object({ steps: z.array(z.int().min(0)).max(1000) })

export class ParameterServer {
  listening = false
  readonly #options: ParameterServerOptions
  readonly #jobFolder: string
  readonly #incarnation = 1 + Math.floor(Math.random() * 0x7fff_fffe)
  readonly #snapshots: Snapshots
  readonly #server: PsServer
  readonly #ended = Promise.withResolvers<Failure | null>()
  #coordinator: Coordinator | undefined
  #own: ListedCheckpoint | null = null

  constructor(options: ParameterServerOptions) {
    this.#options = options
    const { config, index, metrics, log, fs } = options
    this.#jobFolder = join(options.checkpointDir, config.checkpoint.path)
    this.#snapshots = new Snapshots({ jobFolder: this.#jobFolder, shards: config.topology.parameterServers, fs })
    this.#server = new PsServer({
      config,
      index,
      open: (layout, dataUnits) => this.#open(layout, dataUnits),
      snapshots: this.#snapshots,
      metrics,
      log,
      ...(options.heartbeatMs === undefined ? {} : { heartbeatMs: options.heartbeatMs }),
    })
  }

  /** Null: the job has its last checkpoint. A failure: it cannot go on. Other shards than 0 end when they are told. */
  get ended(): Promise<Failure | null> {
    return this.#ended.promise
  }

  async start(host: string, port: number): Promise<void> {
    const { config, index, clock, log, metrics, fs, historyFile } = this.#options
    this.#own = await findOwn(this.#jobFolder, fs, log)
    if (!this.#own) await assertSource(config, this.#options.sourceDir, fs)
    if (index === 0) {
      await sweepLeftovers(this.#jobFolder, fs)
      const history = new History(historyFile, config.maxSteps, log)
      const restoredStep = this.#own?.manifest.step ?? 0
      history.truncateAfter(restoredStep)
      this.#coordinator = new Coordinator({
        config,
        server: this.#server,
        incarnation: this.#incarnation,
        clock,
        log,
        metrics,
        history,
        restoredStep,
      })
      void this.#coordinator.ended.then((ended) => this.#ended.resolve(ended))
    } else void this.#endWhenFinished()
    await this.#server.listen(host, port)
    this.listening = true
    log.info({ host, port, restoredStep: this.#own?.manifest.step ?? null }, 'parameter server listens')
  }

  status(): Record<string, unknown> {
    if (this.#coordinator) return { ...this.#coordinator.status() }
    const version = this.#server.opened?.training.version ?? 0
    return { role: 'ps', index: this.#options.index, phase: this.#server.opened ? 'training' : 'waiting', version }
  }

  /** Checkpoints of these steps are never purged. @throws ZodError for another body than { steps } */
  pin(body: unknown): { pinned: number[] } {
    const { steps } = Pins.parse(body)
    const pinned = this.#coordinator?.pinned
    pinned?.clear()
    for (const step of steps) pinned?.add(step)
    return { pinned: steps }
  }

  /** SIGTERM: saves a checkpoint. The other shards stay until the coordinator's round has been. */
  async suspend(waitMs: number): Promise<void> {
    if (this.#coordinator) await this.#coordinator.saveNow()
    else await this.#options.clock.sleep(this.#server.opened ? Math.min(waitMs, 3000) : 0)
    await this.close()
  }

  /** Until every worker has heard that the job is over, or the time is up. */
  async waitUntilAlone(timeoutMs: number): Promise<void> {
    const { clock } = this.#options
    const deadlineMs = clock.monotonicMs() + timeoutMs
    while (this.#server.connectedWorkers > 0 && clock.monotonicMs() < deadlineMs) await clock.sleep(POLL_MS)
  }

  async close(): Promise<void> {
    this.#coordinator?.stop()
    await this.#server.close()
  }

  async #open(layout: ModelLayout, dataUnits: number): Promise<OpenShard> {
    try {
      return await this.#tryOpen(layout, dataUnits)
    } catch (error) {
      this.#ended.resolve({ code: errorCode(error), message: errorMessage(error) })
      throw error
    }
  }

  async #tryOpen(layout: ModelLayout, dataUnits: number): Promise<OpenShard> {
    const { config, index, sourceDir, fs, log } = this.#options
    const shardLayout = placeLayout(layout, config.topology.parameterServers).shards[index]
    if (!shardLayout) throw new RangeError(`no shard ${index}`)
    const shard = createShard(shardLayout, config)
    if (this.#own) await restoreOwn(shard, this.#own, fs, log)
    else await initialise(shard, config, sourceDir, fs)
    const record = this.#own?.manifest.shards.find((one) => one.index === index)
    const training = new Training({
      config,
      index,
      incarnation: this.#incarnation,
      version: record?.version ?? this.#own?.manifest.step ?? 0,
      shard,
      workers: new WorkerTable(record),
      onApplied: (applied) => this.#coordinator?.onApplied(applied),
      onFailure: (failure) => (this.#coordinator ? this.#coordinator.onFailure(failure) : this.#ended.resolve(failure)),
    })
    const leases =
      index === 0 ? new LeaseTable(dataUnits, config.seed, this.#own?.manifest.leases ?? undefined) : undefined
    if (leases) await this.#coordinate(layout, training, leases, dataUnits)
    return { layout, training, leases }
  }

  async #coordinate(layout: ModelLayout, training: Training, leases: LeaseTable, dataUnits: number): Promise<void> {
    const { config, podUid, hostsFile, fs, clock, log, metrics } = this.#options
    const coordinator = this.#coordinator
    if (!coordinator) return
    const others = Array.from({ length: config.topology.parameterServers - 1 }, (_, i) => i + 1)
    const peerOptions = { config, podUid, lookup: hostsLookup(hostsFile), heartbeatMs: PEER_HEARTBEAT_MS }
    const peers = others.map((shard) => new PeerShard(shard, layout, dataUnits, peerOptions))
    const rounds = new Rounds({
      jobFolder: this.#jobFolder,
      relativeFolder: config.checkpoint.path,
      shards: [{ snapshot: (_step, folder) => this.#snapshots.take(training, folder) }, ...peers],
      describe: () => ({
        step: training.version,
        job: config.job,
        seed: config.seed,
        optimizer: config.optimizer.type,
        layout: { hash: layout.hash, variables: plainVariables(layout) },
        leases: leases.save(),
        psIncarnation: this.#incarnation,
      }),
      metric: config.evaluation?.metric ?? 'top1',
      retention: () => ({
        keep: config.checkpoint.keep,
        keepBest: config.checkpoint.keepBest,
        pinned: coordinator.pinned,
      }),
      fs,
      clock,
      log,
      metrics,
    })
    await rounds.refresh()
    setImmediate(() => coordinator.begin(rounds, peers)) // when the hello that opened us has been answered
  }

  async #endWhenFinished(): Promise<void> {
    const { clock } = this.#options
    while (!this.#server.opened?.training.finished) await clock.sleep(POLL_MS * 4)
    // The coordinator's last round still needs this shard: it ends when the coordinator has hung up.
    while (this.#server.connections > 0) await clock.sleep(POLL_MS * 4)
    this.#ended.resolve(null)
  }
}
