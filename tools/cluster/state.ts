/** The stored options and ports of the cluster. Ports stay the same from one start to the next, so that the kubeconfig stays valid. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { DownpourError } from '../../src/support/errors.ts'
import { kubernetesMinor } from './modules.ts'
import { STATE } from './paths.ts'
import { pidOf } from './processes.ts'

/** Each port, and the component that holds it while it runs. */
const PORT_HOLDERS = {
  etcd: 'etcd',
  etcdPeer: 'etcd',
  apiServer: 'kube-apiserver',
  controllerManager: 'kube-controller-manager',
  scheduler: 'kube-scheduler',
  kwok: 'kwok',
  kubelet: 'kubelet',
  kubeletHealth: 'kubelet',
  proxyHealth: 'kube-proxy',
  proxyMetrics: 'kube-proxy',
  dnsHealth: 'coredns',
  trainingOperatorHealth: 'training-operator',
  trainingOperatorWebhook: 'training-operator',
} as const
export type PortName = keyof typeof PORT_HOLDERS
export type Ports = Record<PortName, number>

export interface ClusterShape {
  /** Minor version, such as `1.34`. */
  readonly minor: string
  readonly nodes: number
  readonly gpusPerNode: number
  readonly realNode: boolean
  /** Whether Kubeflow's training-operator runs, for comparisons. */
  readonly trainingOperator: boolean
}

export interface ClusterOptions {
  version?: string | undefined
  nodes?: number | undefined
  gpusPerNode?: number | undefined
  realNode?: boolean | undefined
  trainingOperator?: boolean | undefined
}

export interface ClusterState extends ClusterShape {
  readonly ports: Ports
}

const FILE = join(STATE, 'state.json')
const DEFAULTS = { nodes: 13, gpusPerNode: 8, realNode: false, trainingOperator: false }
/** Below the kernel's ephemeral ports and below NodePorts. */
const PORTS = { first: 20_000, count: 9_000 }
/** How long a port may stay in use after its process was killed. */
const RELEASE_MS = 5_000
const POLL_MS = 50

export function readState(): ClusterState | undefined {
  return existsSync(FILE) ? (JSON.parse(readFileSync(FILE, 'utf8')) as ClusterState) : undefined
}

export function writeState(state: ClusterState): void {
  mkdirSync(STATE, { recursive: true })
  writeFileSync(FILE, `${JSON.stringify(state, null, 2)}\n`)
}

/** Takes each option from the user, else from the existing cluster, else from the defaults. */
export function shapeOf(options: ClusterOptions, state: ClusterState | undefined): ClusterShape {
  const before = state ?? DEFAULTS
  const minor = kubernetesMinor(options.version ?? state?.minor)
  if (state && state.minor !== minor) throw versionMismatch(state.minor, minor)
  return {
    minor,
    nodes: options.nodes ?? before.nodes,
    gpusPerNode: options.gpusPerNode ?? before.gpusPerNode,
    realNode: options.realNode ?? before.realNode,
    trainingOperator: options.trainingOperator ?? before.trainingOperator ?? false,
  }
}

/** Keeps each previous port that its own component uses or that is free, and replaces the others. */
export async function choosePorts(previous: Ports | undefined): Promise<Ports> {
  const chosen: Partial<Ports> = {}
  for (const name of Object.keys(PORT_HOLDERS) as PortName[]) {
    const port = previous?.[name]
    const keep = port && (pidOf(PORT_HOLDERS[name]) || (await becomesFree(port)))
    chosen[name] = keep ? port : await freePort(Object.values({ ...previous, ...chosen }))
  }
  return chosen as Ports
}

async function freePort(taken: readonly number[]): Promise<number> {
  for (;;) {
    const port = PORTS.first + Math.floor(Math.random() * PORTS.count)
    if (!taken.includes(port) && (await isFree(port))) return port
  }
}

async function becomesFree(port: number): Promise<boolean> {
  const deadline = performance.now() + RELEASE_MS
  while (!(await isFree(port))) {
    if (performance.now() > deadline) return false
    await delay(POLL_MS)
  }
  return true
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, () => server.close(() => resolve(true)))
  })
}

function versionMismatch(current: string, wanted: string): DownpourError {
  const advice = 'another version cannot read its stored objects: run `npm run cluster -- down --purge` first'
  return new DownpourError('OTHER_VERSION', `this cluster is Kubernetes ${current}, not ${wanted}; ${advice}`, {
    current,
    wanted,
  })
}
