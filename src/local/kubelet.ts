/** Runs pods as processes of this machine, each with a loopback address of its own. */
import { readFileSync } from 'node:fs'
import { mkdir, rename, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { ANNOTATIONS } from '../contract/names.ts'
import type { Clock } from '../support/clock.ts'
import { errorMessage } from '../support/errors.ts'
import type { Log } from '../support/log.ts'
import { clone, type Stored } from './objects.ts'
import { containerOf, killGroup, launchPod, type PodExit, type RunningPod } from './pod-process.ts'
import { RESOURCES } from './resources.ts'
import type { ObjectStore } from './store.ts'

export interface KubeletOptions {
  store: ObjectStore
  stateDir: string
  command: readonly string[]
  environment: NodeJS.ProcessEnv
  clock: Clock
  log: Log
}

export const NODE_NAME = 'local'
const PODS = RESOURCES.find(({ kind }) => kind === 'Pod') as (typeof RESOURCES)[number]
const CLAIMS = RESOURCES.find(({ kind }) => kind === 'PersistentVolumeClaim') as (typeof RESOURCES)[number]
const EVENTS = RESOURCES.find(({ kind }) => kind === 'Event') as (typeof RESOURCES)[number]
const PROBE_EVERY_MS = 500
/** 127.64.0.0/10: away from 127.0.0.1, where other servers of the machine are. */
const ADDRESS_BASE = 64

interface Running {
  uid: string
  process: RunningPod
  probe: NodeJS.Timeout | undefined
  killTimer: NodeJS.Timeout | undefined
}

export class Kubelet {
  readonly #options: KubeletOptions
  readonly #running = new Map<string, Running>()
  readonly #starting = new Set<string>()
  readonly #hosts = new Map<string, string>()
  #nextAddress = 1
  #hostsWritten: Promise<void> = Promise.resolve()
  #unsubscribe = () => {}
  #closing = false

  constructor(options: KubeletOptions) {
    this.#options = options
  }

  start(): void {
    this.#nextAddress = 1 + (this.#options.clock.nowMs() % 4000)
    this.#buryLeftovers()
    this.#unsubscribe = this.#options.store.subscribe(({ plural, type, object }) => {
      if (plural === PODS.plural && type !== 'DELETED') this.#consider(object)
      if (plural === CLAIMS.plural && type === 'ADDED')
        for (const pod of this.#options.store.list(PODS)) this.#consider(pod)
    })
    for (const pod of this.#options.store.list(PODS)) this.#consider(pod)
  }

  logFile({ metadata }: Stored): string {
    return join(
      this.#options.stateDir,
      'logs',
      `${metadata.namespace}_${metadata.name}_${metadata.uid.slice(0, 8)}.log`,
    )
  }

  /** Ends every pod in order, kills what does not obey within its grace period. */
  async close(): Promise<void> {
    this.#closing = true
    this.#unsubscribe()
    const ends = [...this.#running].map(([key, running]) => {
      const pod = this.#podOf(key)
      running.process.signal('SIGTERM')
      const timer = setTimeout(() => running.process.signal('SIGKILL'), graceMs(pod))
      return running.process.exited.finally(() => clearTimeout(timer))
    })
    await Promise.all(ends)
  }

  #consider(pod: Stored): void {
    const key = keyOf(pod)
    if (this.#closing) return
    if (pod.metadata.deletionTimestamp) return this.#end(pod)
    if (pod.status?.phase === 'Pending' && !this.#running.has(key) && !this.#starting.has(key)) void this.#start(pod)
  }

  async #start(pod: Stored): Promise<void> {
    const key = keyOf(pod)
    const missing = this.#missingClaim(pod)
    if (missing) return this.#reportUnschedulable(pod, `persistentvolumeclaim "${missing}" not found`)
    this.#starting.add(key)
    try {
      const podIP = this.#address()
      await this.#publishHost(pod, podIP)
      const scheduled = this.#bind(pod)
      if (!scheduled) return
      const process = await launchPod(this.#launchOf(scheduled, podIP), this.#options.environment)
      this.#running.set(key, { uid: pod.metadata.uid, process, probe: undefined, killTimer: undefined })
      this.#report(scheduled, {
        phase: 'Running',
        podIP,
        startTime: this.#now(),
        pid: process.pid,
        containerStatuses: [
          { ...containerFacts(scheduled), ready: true, state: { running: { startedAt: this.#now() } } },
        ],
      })
      this.#event(scheduled, 'Normal', 'Started', `Started process ${process.pid} at ${podIP}`)
      void process.exited.then((exit) => this.#onExit(scheduled, exit))
      this.#probe(scheduled, podIP)
      const now = this.#podOf(key)
      if (now?.metadata.deletionTimestamp) this.#end(now)
    } catch (error) {
      this.#report(pod, { phase: 'Failed', reason: 'StartError', message: errorMessage(error) })
    } finally {
      this.#starting.delete(key)
    }
  }

  #launchOf(pod: Stored, podIP: string) {
    const { stateDir, command } = this.#options
    return {
      pod,
      podIP,
      command,
      hostsFile: resolve(stateDir, 'hosts.json'),
      logFile: this.logFile(pod),
      terminationLog: resolve(stateDir, 'termination', pod.metadata.uid),
      folderOf: (path: string) => this.#folderOf(pod, path),
    }
  }

  /** Sets spec.nodeName; undefined when the pod is gone meanwhile. */
  #bind(pod: Stored): Stored | undefined {
    const current = this.#podOf(keyOf(pod))
    if (current?.metadata.uid !== pod.metadata.uid) return undefined
    this.#event(pod, 'Normal', 'Scheduled', `Assigned ${pod.metadata.namespace}/${pod.metadata.name} to ${NODE_NAME}`)
    return this.#options.store.update(
      PODS,
      current,
      { ...current, spec: { ...current.spec, nodeName: NODE_NAME } },
      'object',
    )
  }

  #onExit(pod: Stored, { exitCode, message }: PodExit): void {
    const key = keyOf(pod)
    const running = this.#running.get(key)
    clearInterval(running?.probe)
    clearTimeout(running?.killTimer)
    this.#running.delete(key)
    const terminated = { exitCode, reason: exitCode === 0 ? 'Completed' : 'Error', message, finishedAt: this.#now() }
    const statuses = [{ ...containerFacts(pod), ready: false, state: { terminated } }]
    this.#report(pod, { phase: exitCode === 0 ? 'Succeeded' : 'Failed', containerStatuses: statuses })
    const current = this.#podOf(key)
    if (current?.metadata.uid === pod.metadata.uid && current.metadata.deletionTimestamp)
      this.#options.store.remove(PODS, current)
  }

  /** SIGTERM, SIGKILL after the grace period; the object goes when the process has gone. */
  #end(pod: Stored): void {
    const running = this.#running.get(keyOf(pod))
    if (running && running.uid === pod.metadata.uid) {
      if (running.killTimer) return
      running.process.signal('SIGTERM')
      const graceSeconds = pod.metadata.deletionGracePeriodSeconds ?? 30
      running.killTimer = setTimeout(() => running.process.signal('SIGKILL'), graceSeconds * 1000)
      this.#event(pod, 'Normal', 'Killing', 'Stopping container')
    } else if (!this.#starting.has(keyOf(pod))) {
      const current = this.#podOf(keyOf(pod))
      if (current?.metadata.uid === pod.metadata.uid) this.#options.store.remove(PODS, current)
    }
  }

  /** readinessProbe over HTTP; pods without one are ready when they run. */
  #probe(pod: Stored, podIP: string): void {
    const container = containerOf(pod) as {
      readinessProbe?: { httpGet?: { path: string; port: string | number } }
      ports?: { name: string; containerPort: number }[]
    }
    const get = container.readinessProbe?.httpGet
    const running = this.#running.get(keyOf(pod))
    if (!get || !running) return
    const port = container.ports?.find(({ name }) => name === get.port)?.containerPort ?? get.port
    let ready = true
    const ask = async () => {
      const answer = await fetch(`http://${podIP}:${port}${get.path}`, { signal: AbortSignal.timeout(1000) }).catch(
        () => undefined,
      )
      const now = answer?.ok ?? false
      if (now === ready || this.#running.get(keyOf(pod)) !== running) return
      ready = now
      this.#report(pod, {
        containerStatuses: [{ ...containerFacts(pod), ready, state: { running: { startedAt: this.#now() } } }],
      })
    }
    running.probe = setInterval(() => void ask(), PROBE_EVERY_MS)
  }

  #report(pod: Stored, status: Record<string, unknown>): void {
    const current = this.#podOf(keyOf(pod))
    if (current?.metadata.uid !== pod.metadata.uid) return
    const merged: Record<string, unknown> = { ...current.status, ...status }
    const [container] = (merged.containerStatuses ?? []) as { ready: boolean }[]
    const ready = container?.ready === true ? 'True' : 'False'
    merged.conditions = [
      { type: 'PodScheduled', status: 'True' },
      { type: 'Ready', status: ready },
    ]
    this.#options.store.update(PODS, current, { ...clone(current), status: merged }, 'status')
  }

  #reportUnschedulable(pod: Stored, message: string): void {
    const conditions = [{ type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message }]
    const current = this.#podOf(keyOf(pod))
    if (!current) return
    this.#options.store.update(
      PODS,
      current,
      { ...clone(current), status: { ...current.status, phase: 'Pending', conditions } },
      'status',
    )
  }

  #missingClaim(pod: Stored): string | undefined {
    return claimsOf(pod).find(({ claimName }) => !this.#options.store.find(CLAIMS, pod.metadata.namespace, claimName))
      ?.claimName
  }

  #folderOf(pod: Stored, path: string): string | undefined {
    const container = containerOf(pod) as { volumeMounts?: { name: string; mountPath: string }[] }
    const mount = container.volumeMounts?.find(
      ({ mountPath }) => path === mountPath || path.startsWith(`${mountPath}/`),
    )
    const claim = mount && claimsOf(pod).find(({ volume }) => volume === mount.name)
    if (!mount || !claim) return undefined
    return this.claimFolder(pod.metadata.namespace ?? '', claim.claimName) + path.slice(mount.mountPath.length)
  }

  /** The folder of this machine that stands for a claim. */
  claimFolder(namespace: string, claimName: string): string {
    const annotated = this.#options.store.find(CLAIMS, namespace, claimName)?.metadata.annotations?.[
      ANNOTATIONS.localPath
    ]
    return resolve(annotated ?? join(this.#options.stateDir, 'volumes', namespace, claimName))
  }

  #address(): string {
    const n = this.#nextAddress++
    return `127.${ADDRESS_BASE + ((n >> 16) & 63)}.${(n >> 8) & 255}.${1 + (n & 127)}`
  }

  async #publishHost(pod: Stored, podIP: string): Promise<void> {
    const { hostname, subdomain } = pod.spec as { hostname?: string; subdomain?: string }
    this.#hosts.set(`${hostname}.${subdomain}.${pod.metadata.namespace}.svc`, podIP)
    for (const { claimName } of claimsOf(pod))
      await mkdir(this.claimFolder(pod.metadata.namespace ?? '', claimName), { recursive: true })
    const file = resolve(this.#options.stateDir, 'hosts.json')
    this.#hostsWritten = this.#hostsWritten.then(async () => {
      await writeFile(`${file}.tmp`, JSON.stringify(Object.fromEntries(this.#hosts)))
      await rename(`${file}.tmp`, file)
    })
    await this.#hostsWritten
  }

  /** Pods of a run that ended without saying goodbye: their processes are killed, if they are still those. */
  #buryLeftovers(): void {
    for (const pod of this.#options.store.list(PODS)) {
      if (pod.status?.phase !== 'Running') continue
      const pid = Number(pod.status?.pid ?? 0)
      if (pid > 0 && isPodProcess(pid, pod.metadata.uid)) killGroup(pid, 'SIGKILL')
      this.#report(pod, { phase: 'Failed', reason: 'NodeLost', message: 'the machine that ran this pod was restarted' })
    }
  }

  #event(pod: Stored, type: string, reason: string, message: string): void {
    const { namespace, name, uid } = pod.metadata
    this.#options.store.create(EVENTS, namespace, {
      apiVersion: 'v1',
      kind: 'Event',
      metadata: { generateName: `${name}.` } as Stored['metadata'],
      involvedObject: { kind: 'Pod', namespace, name, uid, apiVersion: 'v1' },
      type,
      reason,
      message,
      count: 1,
      firstTimestamp: this.#now(),
      lastTimestamp: this.#now(),
      source: { component: 'kubelet', host: NODE_NAME },
    })
  }

  #podOf(key: string): Stored | undefined {
    const [namespace, name = ''] = key.split('/')
    return this.#options.store.find(PODS, namespace, name)
  }

  #now(): string {
    return new Date(this.#options.clock.nowMs()).toISOString().replace(/\.\d+Z$/, 'Z')
  }
}

/** A process id may have been given to somebody else: the pod's uid is in the environment of ours. */
function isPodProcess(pid: number, uid: string): boolean {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'utf8').includes(uid)
  } catch {
    return false
  }
}

function claimsOf(pod: Stored): { volume: string; claimName: string }[] {
  const volumes = (pod.spec?.volumes ?? []) as { name: string; persistentVolumeClaim?: { claimName: string } }[]
  return volumes.flatMap(({ name, persistentVolumeClaim: claim }) =>
    claim ? [{ volume: name, claimName: claim.claimName }] : [],
  )
}

function containerFacts(pod: Stored) {
  const container = containerOf(pod) as { name?: string; image?: string }
  return { name: container.name ?? 'main', image: container.image ?? '', restartCount: 0 }
}

function graceMs(pod: Stored | undefined): number {
  return Number(pod?.spec?.terminationGracePeriodSeconds ?? 30) * 1000
}

function keyOf({ metadata }: Stored): string {
  return `${metadata.namespace}/${metadata.name}`
}
