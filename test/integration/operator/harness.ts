/** Runs the real operator against an API server behind a proxy that can be cut; the test acts as the kubelet. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, request as httpRequest, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { JobStatus } from '../../../src/api/status.ts'
import { API_VERSION, type JobKind, LABELS, PLURALS } from '../../../src/contract/names.ts'
import { ENV } from '../../../src/contract/runtime.ts'
import { KubeClient } from '../../../src/kube/client.ts'
import { isConflict, isNotFound } from '../../../src/kube/errors.ts'
import type { KubeObject } from '../../../src/kube/objects.ts'
import { startApiServer } from '../../../src/local/api/server.ts'
import { collectGarbage } from '../../../src/local/store/garbage.ts'
import { Journal } from '../../../src/local/store/journal.ts'
import { ObjectStore } from '../../../src/local/store/store.ts'
import { operate } from '../../../src/operator/main.ts'
import { type RawPod, trimPod } from '../../../src/operator/raw-pod.ts'
import { systemClock } from '../../../src/support/clock.ts'
import { silentLog } from '../../../src/support/log.ts'

export interface Api {
  url: string
  kubeconfigPath: string
  close(): Promise<void>
}

const TOKEN = 'test'

/** Local mode's API server, without its kubelet. */
export async function startApi(): Promise<Api> {
  const folder = await mkdtemp(join(tmpdir(), 'downpour-api-'))
  const journal = new Journal(join(folder, 'state'))
  const store = new ObjectStore(journal, systemClock)
  const stopCollector = collectGarbage(store)
  const serveLog = async (_namespace: string, _pod: string, _query: URLSearchParams, response: ServerResponse) =>
    void response.end()
  const server = await startApiServer({
    store,
    port: 0,
    token: TOKEN,
    clock: systemClock,
    log: silentLog,
    metricsTargets: () => [],
    serveLog,
  })
  const url = `http://127.0.0.1:${server.port}`
  const kubeconfigPath = join(folder, 'config')
  await writeFile(kubeconfigPath, kubeconfigFor(url))
  return {
    url,
    kubeconfigPath,
    async close() {
      stopCollector()
      await server.close()
      journal.close()
      await rm(folder, { recursive: true })
    },
  }
}

export function addressOf(server: Server): string {
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** A proxy to the API server that counts the operator's writes, except events, leases and dry runs, and can die at one of them. */
export interface CountingProxy {
  kubeconfigPath: string
  /** Writes that took effect, such as `POST pods` or `DELETE pods/x`, in the order of their answers. */
  writes: string[]
  /** Resolves when the proxy has died. */
  dead: Promise<void>
  close(): Promise<void>
}

/** @param diesWith the number of the last write that gets through; its answer is lost for every other number */
export async function openCountingProxy(api: Api, diesWith = Number.POSITIVE_INFINITY): Promise<CountingProxy> {
  const writes: string[] = []
  const death = Promise.withResolvers<void>()
  let sent = 0
  let isDead = false
  const die = () => {
    isDead = true
    death.resolve()
    server.closeAllConnections()
  }
  const server = createServer((request, response) => {
    const isWrite = isCounted(request)
    if (isDead || (isWrite && ++sent > diesWith)) return void request.socket.destroy()
    const isLast = isWrite && sent === diesWith
    const options = { method: request.method, headers: request.headers }
    const upstream = httpRequest(new URL(request.url ?? '/', api.url), options, (answer) => {
      if (isWrite && (answer.statusCode ?? 500) < 300) writes.push(describe(request))
      if (isLast && diesWith % 2 === 0) return die()
      response.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.pipe(response)
      if (isLast) response.on('finish', () => setImmediate(die))
    })
    upstream.on('error', () => request.socket.destroy())
    // A watch ends with its reader; a write that was already sent takes effect.
    if (!isWrite) response.on('close', () => upstream.destroy())
    request.pipe(upstream)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const folder = await mkdtemp(join(tmpdir(), 'downpour-proxy-'))
  const kubeconfigPath = join(folder, 'config')
  await writeFile(kubeconfigPath, kubeconfigFor(addressOf(server)))
  return {
    kubeconfigPath,
    writes,
    dead: death.promise,
    async close() {
      die()
      server.close()
      await rm(folder, { recursive: true })
    },
  }
}

function isCounted({ method, url = '' }: IncomingMessage): boolean {
  return method !== 'GET' && !/\/(events|leases)(\/|\?|$)|[?&]dryRun=All/.test(url)
}

function describe({ method, url = '' }: IncomingMessage): string {
  return `${method} ${url.replace(/^.*\/namespaces\/[^/]+\//, '').replace(/\?.*/, '')}`
}

export function kubeconfigFor(server: string): string {
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'proxy', cluster: { server } }],
    users: [{ name: 'proxy', user: { token: TOKEN } }],
    contexts: [{ name: 'proxy', context: { cluster: 'proxy', user: 'proxy' } }],
    'current-context': 'proxy',
  })
}

/** Runs the operator until `stop`. */
export function startOperator(kubeconfig: string, ...namespaces: string[]): { stop(): Promise<number> } {
  const stopping = new AbortController()
  const options = {
    kubeconfig,
    namespaces,
    leaderElect: false,
    pollSeconds: 0.1,
    defaultImage: 'test',
    logLevel: 'info',
  }
  const running = operate(options, silentLog, stopping.signal)
  return {
    stop() {
      stopping.abort()
      return running
    },
  }
}

export type TestPod = RawPod & { spec?: unknown }

/** One namespace with its jobs and pods, and the actions of a kubelet on them. */
export class TestNamespace {
  readonly client: KubeClient
  readonly namespace: string

  constructor(api: Api, namespace: string) {
    this.client = new KubeClient({ kubeConfig: api.kubeconfigPath, log: silentLog })
    this.namespace = namespace
  }

  async create(kind: JobKind, name: string, spec: object): Promise<void> {
    const where = { apiVersion: API_VERSION, plural: PLURALS[kind], namespace: this.namespace }
    const metadata = { name, namespace: this.namespace }
    await this.client.create(where, { apiVersion: API_VERSION, kind, metadata, spec } as KubeObject)
  }

  #ref(kind: JobKind, name: string) {
    return { apiVersion: API_VERSION, plural: PLURALS[kind], namespace: this.namespace, name }
  }

  async status(kind: JobKind, name: string): Promise<JobStatus | undefined> {
    const job = await this.client.get<KubeObject & { status?: JobStatus }>(this.#ref(kind, name))
    return job.status && Object.keys(job.status).length > 0 ? job.status : undefined
  }

  async patch(kind: JobKind, name: string, spec: object): Promise<void> {
    await this.client.mergePatch(this.#ref(kind, name), { spec })
  }

  async delete(kind: JobKind, name: string): Promise<void> {
    await this.client.delete(this.#ref(kind, name), { propagationPolicy: 'Background' })
  }

  async names(plural: string, apiVersion = 'v1'): Promise<string[]> {
    const { items } = await this.client.list({ apiVersion, plural, namespace: this.namespace })
    return items.map((item) => item.metadata.name).sort()
  }

  async pods(): Promise<TestPod[]> {
    return (await this.client.list<TestPod>({ apiVersion: 'v1', plural: 'pods', namespace: this.namespace })).items
  }

  /** @returns the runtime configuration in the only container of a pod */
  async configOf(name: string): Promise<Record<string, unknown>> {
    const pod = (await this.pods()).find(({ metadata }) => metadata.name === name)
    const { containers = [] } = (pod?.spec ?? {}) as { containers?: { env: { name: string; value?: string }[] }[] }
    return JSON.parse(containers[0]?.env.find((variable) => variable.name === ENV.config)?.value ?? '{}')
  }

  /** Acts once as a kubelet: sets pending pods to Running and removes pods that are being deleted. */
  async actAsKubelet(): Promise<void> {
    for (const raw of await this.pods()) {
      const pod = trimPod(raw)
      if (pod.metadata.deletionTimestamp) await this.#remove(pod)
      else if (pod.status?.phase === undefined || pod.status.phase === 'Pending') await this.#run(pod)
    }
  }

  async #run(pod: RawPod): Promise<void> {
    const ref = { apiVersion: 'v1', plural: 'pods', namespace: this.namespace, name: pod.metadata.name }
    await this.client.mergePatch(ref, { spec: { nodeName: 'node' } }).catch(ignoreGone)
    const containerStatuses = [{ name: roleOf(pod), state: { running: { startedAt: new Date().toISOString() } } }]
    await this.#setStatus(pod.metadata.name, { phase: 'Running', podIP: '127.0.0.1', containerStatuses })
  }

  async endContainer(name: string, exitCode: number, report?: object): Promise<void> {
    const message = report && JSON.stringify(report)
    const terminated = { exitCode, finishedAt: new Date().toISOString(), ...(message && { message }) }
    const phase = exitCode === 0 ? 'Succeeded' : 'Failed'
    const pod = (await this.pods()).find(({ metadata }) => metadata.name === name)
    await this.#setStatus(name, { phase, containerStatuses: [{ name: roleOf(pod), state: { terminated } }] })
  }

  async #setStatus(name: string, status: object): Promise<void> {
    const ref = { apiVersion: 'v1', plural: 'pods', namespace: this.namespace, name }
    await this.client.mergePatch({ ...ref, subresource: 'status' }, { status }).catch(ignoreGone)
  }

  async #remove({ metadata }: RawPod): Promise<void> {
    const ref = { apiVersion: 'v1', plural: 'pods', namespace: this.namespace, name: metadata.name }
    const options = { uid: metadata.uid, gracePeriodSeconds: 0 }
    await this.client.delete(ref, options).catch((error: unknown) => {
      if (!isConflict(error)) throw error
    })
  }
}

/** The role of a pod, which is also the name of its only container. */
function roleOf(pod: RawPod | undefined): string {
  return pod?.metadata.labels?.[LABELS.role] ?? 'main'
}

function ignoreGone(error: unknown): void {
  if (!isNotFound(error)) throw error
}

/** Runs an operator for one namespace until the test ends. */
export async function withOperator(
  api: Api,
  namespace: string,
  check: (cluster: TestNamespace) => Promise<void>,
): Promise<void> {
  const cluster = new TestNamespace(api, namespace)
  const operator = startOperator(api.kubeconfigPath, namespace)
  try {
    await check(cluster)
  } finally {
    await operator.stop()
    await cluster.client.close()
  }
}
