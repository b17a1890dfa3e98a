/** A cluster on one machine: API server, garbage collector and kubelet run in this process, pods as child processes. */
import { randomBytes } from 'node:crypto'
import { existsSync, readFileSync, realpathSync } from 'node:fs'
import { rename, rm, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { podTargets, type TargetGroup } from '../contract/discovery.ts'
import { ENV } from '../contract/runtime.ts'
import { type Clock, systemClock } from '../support/clock.ts'
import { DownpourError } from '../support/errors.ts'
import type { Log } from '../support/log.ts'
import { writeSecret } from '../support/secret.ts'
import type { ApiServerOptions } from './api/request.ts'
import { startApiServer } from './api/server.ts'
import { crdObjects } from './crds.ts'
import { Kubelet } from './kubelet/kubelet.ts'
import { servePodLog } from './kubelet/pod-logs.ts'
import { ensurePodPorts } from './kubelet/pod-ports.ts'
import { NODE_NAME } from './kubelet/pod-records.ts'
import { killLeftovers } from './leftovers.ts'
import { lockFolder } from './lock.ts'
import { stateDirError } from './state-dir.ts'
import { expireEvents } from './store/event-expiry.ts'
import { collectGarbage } from './store/garbage.ts'
import { Journal } from './store/journal.ts'
import { hasEnded, type Stored } from './store/objects.ts'
import { resourceOfKind } from './store/resources.ts'
import { ObjectStore } from './store/store.ts'

export interface LocalClusterOptions {
  /** Holds objects, volumes and logs. A cluster that starts in the same folder again continues with them. */
  stateDir: string
  /** Command line of downpour; the kubelet appends the container's args. */
  command: readonly string[]
  /** Pods inherit PATH and a few more variables from it. */
  environment: NodeJS.ProcessEnv
  log: Log
  /** 0 (default): any free port. */
  port?: number
  clock?: Clock
  /** Called once the folder is locked, before anything in it is read. */
  onLocked?: () => Promise<void>
  /** Called with the reason when writes to the disk begin to fail, and with `undefined` when they succeed again. */
  onStorageOutage?: (reason: string | undefined) => void
  /** Processes besides pods that serve metrics. */
  otherTargets?: () => readonly TargetGroup[]
  /** False: pods stay Pending, for tests that act as the kubelet. */
  runPods?: boolean
}

export interface LocalCluster {
  /** Variables for each process of the run, the operator too. The next run finds processes of a killed run by them. */
  environment: Readonly<Record<string, string>>
  url: string
  token: string
  kubeconfigPath: string
  /** Terminates pods gracefully; the objects stay on disk for the next start. */
  close(): Promise<void>
}

/** @throws DownpourError LOCAL_NEEDS_LINUX, STATE_DIR_UNUSABLE, ALREADY_RUNNING, PORT_TAKEN, POD_PORT_TAKEN, LEFTOVERS */
export async function startLocalCluster(options: LocalClusterOptions): Promise<LocalCluster> {
  const { stateDir, log, clock = systemClock } = options
  if (process.platform !== 'linux') {
    throw new DownpourError(
      'LOCAL_NEEDS_LINUX',
      `local mode needs Linux (this is ${process.platform}): every pod gets a loopback address of its own`,
    )
  }
  const open: (() => unknown)[] = [await lockFolder(stateDir)]
  const close = async () => {
    for (let end = open.pop(); end; end = open.pop()) await end()
  }
  try {
    const common = commonEnvironment(stateDir)
    const killed = await killLeftovers(realpathSync(stateDir), clock)
    if (killed > 0) log.warn({ processes: killed }, 'killed processes of a previous run')
    if (options.runPods !== false) await ensurePodPorts()
    writeSecret(common[ENV.keyFile] as string, randomBytes(32).toString('hex'))
    await options.onLocked?.()
    const journal = new Journal(join(stateDir, 'state', 'objects.jsonl'), { onStorageOutage: options.onStorageOutage })
    open.push(() => journal.close())
    const store = new ObjectStore(journal, clock)
    seed(store)
    open.push(collectGarbage(store), expireEvents(store, clock))
    const token = readOrMakeToken(stateDir)
    const kubelet = new Kubelet({ ...options, store, clock, common })
    const serveLog = logServer(store, kubelet)
    const metricsTargets = () => [...(options.otherTargets?.() ?? []), ...podTargets(store.list(resourceOfKind('Pod')))]
    const port = options.port ?? 0
    const server = await startApiServer({ store, port, token, clock, log, metricsTargets, serveLog })
    open.push(() => server.close())
    const url = `http://127.0.0.1:${server.port}`
    const kubeconfigPath = resolve(stateDir, 'kubeconfig')
    await writeKubeconfig(kubeconfigPath, url, token)
    open.push(() => kubelet.close())
    if (options.runPods !== false) await kubelet.start()
    return { environment: common, url, token, kubeconfigPath, close }
  } catch (error) {
    await close()
    throw stateDirError(stateDir, error)
  }
}

/** Uses the folder's real path, so that another path to the same folder means the same run. */
function commonEnvironment(stateDir: string): Record<string, string> {
  const folder = realpathSync(stateDir)
  return { [ENV.stateDir]: folder, [ENV.keyFile]: join(folder, 'runtime-key') }
}

function logServer(store: ObjectStore, kubelet: Kubelet): ApiServerOptions['serveLog'] {
  const pods = resourceOfKind('Pod')
  return (namespace, name, query, response) => {
    const pod = store.get(pods, namespace, name)
    return servePodLog(pod, kubelet.logFile(pod), query, response, () =>
      isLogComplete(store.find(pods, namespace, name), pod),
    )
  }
}

/** Creates what each cluster has: namespaces, a node, and the CRDs of this version. */
function seed(store: ObjectStore): void {
  const ensure = (kind: string, name: string, fields: Record<string, unknown>) => {
    const resource = resourceOfKind(kind)
    const existing = store.find(resource, undefined, name)
    const object = { ...fields, metadata: { ...existing?.metadata, name } } as unknown as Stored
    if (!existing) store.create(resource, undefined, object)
    else store.update(resource, existing, { ...existing, ...object }, 'object')
  }
  for (const name of ['default', 'downpour']) ensure('Namespace', name, { status: { phase: 'Active' } })
  ensure('Node', NODE_NAME, { spec: {} })
  for (const definition of crdObjects()) ensure('CustomResourceDefinition', definition.metadata.name, definition)
}

/** @returns true if no more lines will follow: the pod has ended, or another pod has its name */
function isLogComplete(now: Stored | undefined, pod: Stored): boolean {
  return now?.metadata.uid !== pod.metadata.uid || hasEnded(now)
}

/** Keeps the token of the previous start, so that a copied kubeconfig still works. */
function readOrMakeToken(stateDir: string): string {
  const file = join(stateDir, 'kubeconfig')
  const known = existsSync(file) ? /token: (\S+)/.exec(readFileSync(file, 'utf8'))?.[1] : undefined
  return known ?? randomBytes(24).toString('hex')
}

/** Writes the token twice: kubectl sends no bearer token over plain HTTP, but does send the password of the URL. */
async function writeKubeconfig(file: string, url: string, token: string): Promise<void> {
  const server = url.replace('://', `://downpour:${token}@`)
  const text = `apiVersion: v1
kind: Config
current-context: downpour-local
clusters: [{ name: downpour-local, cluster: { server: "${server}" } }]
contexts: [{ name: downpour-local, context: { cluster: downpour-local, user: downpour-local, namespace: default } }]
users:
  - name: downpour-local
    user:
      token: ${token}
`
  // Removed first, because writing to an existing file keeps its mode.
  await rm(`${file}.tmp`, { force: true })
  await writeFile(`${file}.tmp`, text, { mode: 0o600 })
  await rename(`${file}.tmp`, file)
}
