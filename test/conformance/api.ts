/**
 * A client of a Kubernetes API for tests over HTTP. The suite runs against local mode's API server, or against the one that
 * DOWNPOUR_CONFORMANCE_KUBECONFIG names, which must have our CRDs (crds/) and a garbage collector.
 */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { after, before } from 'node:test'
import { Agent, request } from 'undici'
import { API_VERSION } from '../../src/contract/names.ts'
import { type Connection, openConnection } from '../../src/kube/connection.ts'
import { eventually } from '../support/eventually.ts'
import { startTestCluster, type TestCluster } from '../support/local-cluster.ts'

export const REAL = process.env.DOWNPOUR_CONFORMANCE_KUBECONFIG

interface Meta {
  name: string
  uid: string
  resourceVersion: string
  generation: number
  [field: string]: unknown
}

/** The body is an object, a list or a Status. */
export interface Answer {
  status: number
  headers: Record<string, string | string[] | undefined>
  // biome-ignore lint/suspicious/noExplicitAny: JSON off the wire, and every assertion reads another part of it
  body: any
}

export interface CallOptions {
  body?: unknown
  raw?: string | Buffer
  type?: string
  accept?: string
  headers?: Record<string, string>
}

export interface WatchLine {
  type: string
  object: { metadata: Meta; code?: number; reason?: string; kind?: string; [field: string]: unknown }
}

export const MERGE = 'application/merge-patch+json'
export const JSON_PATCH = 'application/json-patch+json'
export const STRATEGIC = 'application/strategic-merge-patch+json'
export const APPLY = 'application/apply-patch+yaml'

export class Api {
  readonly namespace = `conformance-${randomBytes(4).toString('hex')}`
  readonly maps = `/api/v1/namespaces/${this.namespace}/configmaps`
  readonly pods = `/api/v1/namespaces/${this.namespace}/pods`
  readonly jobs = `/apis/${API_VERSION}/namespaces/${this.namespace}/pretrainjobs`
  /** True for local mode's server, which uses plain HTTP. */
  readonly isLocal: boolean
  readonly #connection: Connection

  constructor(kubeconfig: string) {
    this.#connection = openConnection(kubeconfig)
    this.isLocal = this.#connection.server.startsWith('http:')
  }

  async call(method: string, path: string, options: CallOptions = {}): Promise<Answer> {
    const { body, raw, type = 'application/json', accept = 'application/json', headers = {} } = options
    const { headers: credentials, dispatcher } = await this.#connection.authorize(path)
    const payload = raw ?? (body === undefined ? null : JSON.stringify(body))
    const all = { ...credentials, accept, ...(payload === null ? {} : { 'content-type': type }), ...headers }
    const response = await request(this.#connection.server + path, {
      method: method as 'GET',
      dispatcher,
      headers: all,
      body: payload,
    })
    const text = await response.body.text()
    const isJson = String(response.headers['content-type']).includes('json')
    return { status: response.statusCode, headers: response.headers, body: isJson ? JSON.parse(text) : text }
  }

  /** Sends a request without credentials: neither the client's certificate nor the token in the URL. */
  async callAsStranger(path: string, headers: Record<string, string>): Promise<Answer> {
    const dispatcher = new Agent({ connect: { rejectUnauthorized: false } })
    try {
      const response = await request(new URL(path, this.#connection.shownServer), { dispatcher, headers })
      return { status: response.statusCode, headers: response.headers, body: await response.body.json() }
    } finally {
      await dispatcher.close()
    }
  }

  get(path: string) {
    return this.call('GET', path)
  }

  create(path: string, body: unknown) {
    return this.call('POST', path, { body })
  }

  patch(path: string, body: unknown, type = MERGE) {
    return this.call('PATCH', path, { body, type })
  }

  apply(path: string, body: unknown, manager = 'one', more = '') {
    return this.call('PATCH', `${path}?fieldManager=${manager}${more}`, { body, type: APPLY })
  }

  /** Reads lines of a watch until the server ends it or `enough` returns true. */
  async watch(path: string, query: string, enough?: (lines: WatchLine[]) => boolean): Promise<WatchLine[]> {
    const { headers, dispatcher } = await this.#connection.authorize(path)
    const response = await request(`${this.#connection.server}${path}?watch=true&${query}`, { dispatcher, headers })
    const lines: WatchLine[] = []
    let rest = ''
    for await (const chunk of response.body) {
      rest += chunk
      const parts = rest.split('\n')
      rest = parts.pop() ?? ''
      lines.push(...parts.map((part) => JSON.parse(part) as WatchLine))
      if (enough?.(lines)) break
    }
    return lines
  }

  close() {
    return this.#connection.close()
  }
}

/** Gives the tests of a file one API server and their own namespace. */
export function useApi(): () => Api {
  let cluster: TestCluster | undefined
  let api: Api
  before(async () => {
    // Restarts the server, so that it lacks older events, as a real one does.
    cluster = REAL ? undefined : await (await startTestCluster({ runPods: false })).restart()
    api = new Api(REAL ?? (cluster as TestCluster).kubeconfigPath)
    await openNamespace(api)
  })
  after(async () => {
    await closeNamespace(api)
    await api.close()
    await cluster?.dispose()
  })
  return () => api
}

/** Creates a namespace and waits for the objects that controllers add to it: pods need the service account. */
export async function openNamespace(api: Api): Promise<void> {
  await api.create('/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: api.namespace } })
  if (api.isLocal) return
  for (const path of [`${api.maps}/kube-root-ca.crt`, `/api/v1/namespaces/${api.namespace}/serviceaccounts/default`])
    await eventually(async () => assert.equal((await api.get(path)).status, 200), { timeoutMs: 30_000 })
}

/** Removes the namespace and waits for its end, even if a failed test left finalizers. */
export async function closeNamespace(api: Api): Promise<void> {
  const path = `/api/v1/namespaces/${api.namespace}`
  await api.call('DELETE', path)
  if (api.isLocal) return
  for (const held of [api.maps, api.jobs])
    for (const { metadata } of (await api.get(held)).body.items as { metadata: Meta }[])
      if (metadata.finalizers) await api.patch(`${held}/${metadata.name}`, { metadata: { finalizers: null } })
  const left = { timeoutMs: 180_000, intervalMs: 250 }
  await eventually(async () => assert.equal((await api.get(path)).status, 404), left)
}

export function configMap(name: string, metadata: object = {}, data: object = { a: '1' }) {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, ...metadata }, data }
}

export function pod(name: string, metadata: object = {}, spec: object = {}) {
  const containers = [{ name: 'main', image: 'example.invalid/none' }]
  return { apiVersion: 'v1', kind: 'Pod', metadata: { name, ...metadata }, spec: { containers, ...spec } }
}

export function job(name: string, spec: object = {}, metadata: object = {}) {
  const base = {
    preset: 'jft-mini',
    task: { type: 'multi-label', classes: 10 },
    maxSteps: 100,
    data: { source: { claimName: 'data' }, format: 'tfrecord', labels: 'labels.json' },
    checkpoint: { storage: { volume: { claimName: 'checkpoints' } } },
    workers: { replicas: 2 },
  }
  return {
    apiVersion: API_VERSION,
    kind: 'PretrainJob' as const,
    metadata: { name, ...metadata },
    spec: { ...base, ...spec },
  }
}
