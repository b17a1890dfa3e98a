/** Runs pods as processes of this machine, each with its own loopback address. */
import { randomInt } from 'node:crypto'
import { join, resolve } from 'node:path'
import type { Clock } from '../../support/clock.ts'
import { errorMessage } from '../../support/errors.ts'
import type { Log } from '../../support/log.ts'
import { storageErrorReason } from '../../support/storage.ts'
import { hasEnded, type Stored, type StoredEvent } from '../store/objects.ts'
import type { ObjectStore } from '../store/store.ts'
import { ADDRESSES, addressAt } from './addresses.ts'
import { HostsFile } from './hosts-file.ts'
import { launchPod, type PodExit, type RunningPod } from './pod-process.ts'
import { PODS, PodRecords } from './pod-records.ts'
import { AWAITED_RESOURCES, configMapReader, missingFor } from './pod-references.ts'
import { PodRun } from './pod-run.ts'
import { ended, lost, running, unschedulable, withReadiness } from './pod-status.ts'
import { PodVolumes } from './pod-volumes.ts'
import { hasProbe } from './probe.ts'
import { Reaper } from './reaper.ts'

export interface KubeletOptions {
  store: ObjectStore
  stateDir: string
  command: readonly string[]
  environment: NodeJS.ProcessEnv
  clock: Clock
  log: Log
  /** Environment variables for each process of the run. */
  common: Readonly<Record<string, string>>
}

/** A kubelet sets these when its node shuts down: a disruption, which does not count as a failure of the pod. */
const SHUTDOWN = { reason: 'Terminated', message: 'Pod was terminated in response to imminent node shutdown.' }
/** Exit code that Kubernetes reports for a container that could not be started. */
const START_ERROR = 128
/** After a start that failed because of a full disk. */
const START_RETRY_MS = 1000

export class Kubelet {
  readonly #options: KubeletOptions
  readonly #pods: PodRecords
  readonly #volumes: PodVolumes
  readonly #hosts: HostsFile
  /** By uid, because a successor with the same name is another pod. */
  readonly #running = new Map<string, PodRun>()
  readonly #starting = new Map<string, Promise<void>>()
  #reaper: Reaper | undefined
  /** Begins at a random address, so that two runs on one machine use different ones. */
  #nextAddress = randomInt(ADDRESSES)
  #unsubscribe = () => {}
  #closing = false

  constructor(options: KubeletOptions) {
    this.#options = options
    this.#pods = new PodRecords(options.store, options.clock)
    this.#volumes = new PodVolumes(options.store, options.stateDir)
    this.#hosts = new HostsFile(resolve(options.stateDir, 'hosts.json'))
  }

  async start(): Promise<void> {
    const { store, log } = this.#options
    await this.#hosts.reset()
    this.#reaper = new Reaper(log)
    for (const pod of this.#pods.list()) if (wasStarted(pod)) this.#pods.writeStatus(pod, lost(pod, this.#pods.now()))
    this.#unsubscribe = store.subscribe((event) => this.#onEvent(event))
    this.#syncAllPods()
  }

  logFile({ metadata }: Stored): string {
    const { namespace, name, uid } = metadata
    return join(this.#options.stateDir, 'logs', `${namespace}_${name}_${uid.slice(0, 8)}.log`)
  }

  /** Terminates all pods, and kills those that do not end within their grace periods. */
  async close(): Promise<void> {
    this.#closing = true
    this.#unsubscribe()
    await Promise.all(this.#starting.values())
    const runs = [...this.#running.values()]
    for (const run of runs) run.terminate()
    await Promise.all(runs.map(({ process }) => process.exited))
    this.#reaper?.close()
  }

  #onEvent({ plural, type, object }: StoredEvent): void {
    if (AWAITED_RESOURCES.has(plural) && type !== 'DELETED') this.#syncAllPods()
    if (plural !== PODS.plural) return
    // Deleted with grace period 0: the object is gone, so its process must not run on.
    if (type === 'DELETED') this.#running.get(object.metadata.uid)?.kill()
    else this.#syncPod(object)
  }

  #syncAllPods(): void {
    for (const pod of this.#pods.list()) this.#syncPod(pod)
  }

  #syncPod(pod: Stored): void {
    const { uid, deletionTimestamp } = pod.metadata
    if (this.#closing || this.#starting.has(uid)) return
    if (deletionTimestamp) return this.#terminate(pod)
    if (pod.status?.phase !== 'Pending' || this.#running.has(uid)) return
    const missing = missingFor(pod, this.#volumes, this.#options.store)
    if (missing.length > 0) return this.#markUnschedulable(pod, missing.join(', '))
    // Registered before the start runs: its first write comes back as an event, which must not start the pod again.
    const start = Promise.resolve()
      .then(() => this.#start(pod))
      .finally(() => this.#starting.delete(uid))
    this.#starting.set(uid, start)
    void start.then(() => this.#resyncPod(pod))
  }

  #markUnschedulable(pod: Stored, message: string): void {
    const isReported = (pod.status?.conditions as { message?: string }[] | undefined)?.some(
      (one) => one.message === message,
    )
    if (isReported) return
    this.#pods.writeStatus(pod, unschedulable(pod, message, this.#pods.now()))
    this.#pods.recordEvent(pod, { type: 'Warning', reason: 'FailedScheduling', message })
  }

  /** Never throws; reports errors in the pod's status. */
  async #start(given: Stored): Promise<void> {
    const podIP = addressAt(this.#nextAddress++)
    let pod = given
    try {
      const bound = this.#pods.bind(given)
      if (!bound) return
      pod = bound
      await this.#volumes.makeFolders(pod)
      await this.#hosts.publish(pod, podIP)
      const process = await launchPod(this.#launchOf(pod, podIP), this.#options.environment)
      this.#run(pod, podIP, process)
    } catch (error) {
      const message = errorMessage(error)
      if (storageErrorReason(error) !== undefined) return this.#retryStart(pod, message)
      await this.#hosts.withdraw(pod, podIP).catch(() => {})
      this.#pods.writeStatus(
        pod,
        ended(pod, { exitCode: START_ERROR, message, reason: 'StartError' }, this.#pods.now()),
      )
      this.#pods.recordEvent(pod, { type: 'Warning', reason: 'Failed', message: `Error: ${message}` })
    }
  }

  /** The pod stays Pending, because a full disk is not its failure. */
  #retryStart(pod: Stored, message: string): void {
    this.#markUnschedulable(pod, message)
    setTimeout(() => this.#resyncPod(pod), START_RETRY_MS)
  }

  #run(pod: Stored, podIP: string, process: RunningPod): void {
    this.#pods.writeStatus(pod, running(pod, podIP, !hasProbe(pod), this.#pods.now()))
    const message = `Started process ${process.pid} at ${podIP}`
    this.#pods.recordEvent(pod, { type: 'Normal', reason: 'Started', message })
    const run = new PodRun(pod, podIP, process, (ready) => this.#onReadiness(pod, ready))
    this.#running.set(pod.metadata.uid, run)
    process.exited.then((exit) => this.#onExit(run, exit)).catch((error) => this.#logLostStatus(pod, error))
    if (!this.#pods.current(pod)) run.kill()
  }

  /** To be called after a start or an end, because the pod may have been deleted meanwhile. */
  #resyncPod(pod: Stored): void {
    const current = this.#pods.current(pod)
    if (current) this.#syncPod(current)
  }

  #launchOf(pod: Stored, podIP: string) {
    return {
      pod,
      podIP,
      command: this.#options.command,
      hostsFile: this.#hosts.path,
      common: this.#options.common,
      logFile: this.logFile(pod),
      onSpawn: (pid: number) => this.#reaper?.watch(pid),
      terminationLog: resolve(this.#options.stateDir, 'termination', pod.metadata.uid),
      folderOf: (path: string) => this.#volumes.folderOf(pod, path),
      configMapText: configMapReader(pod, this.#options.store),
    }
  }

  #onReadiness(pod: Stored, ready: boolean): void {
    const current = this.#pods.current(pod)
    if (current) this.#pods.writeStatus(current, withReadiness(current, ready, this.#pods.now()))
    if (!ready) this.#pods.recordEvent(pod, { type: 'Warning', reason: 'Unhealthy', message: 'Readiness probe failed' })
  }

  async #onExit(run: PodRun, exit: PodExit): Promise<void> {
    const { pod, podIP, process } = run
    run.stop()
    this.#reaper?.forget(process.pid)
    this.#running.delete(pod.metadata.uid)
    const current = this.#pods.current(pod)
    if (current)
      this.#pods.writeStatus(current, ended(current, exit, this.#pods.now(), this.#closing ? SHUTDOWN : undefined))
    this.#resyncPod(pod)
    await this.#hosts.withdraw(pod, podIP).catch(() => {})
  }

  /** The stored status stays as it was, usually because the disk is full. */
  #logLostStatus({ metadata }: Stored, error: unknown): void {
    this.#options.log.error(
      { pod: metadata.name, error: errorMessage(error) },
      'status of an ended pod could not be stored',
    )
  }

  /** The object is removed when its process has ended. */
  #terminate(pod: Stored): void {
    const run = this.#running.get(pod.metadata.uid)
    if (!run) return this.#pods.remove(pod)
    if (!run.isTerminating)
      this.#pods.recordEvent(pod, { type: 'Normal', reason: 'Killing', message: 'Stopping container' })
    run.terminate(pod.metadata.deletionGracePeriodSeconds)
  }
}

/** Bound to the node and not ended: its process may have run, and must not run a second time for the same uid. */
function wasStarted(pod: Stored): boolean {
  return pod.spec?.nodeName !== undefined && !hasEnded(pod)
}
