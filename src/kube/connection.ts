import type { AgentOptions } from 'node:https'
import { isDeepStrictEqual } from 'node:util'
import { type Cluster, type DispatcherOptions, HttpMethod, KubeConfig, RequestContext } from '@kubernetes/client-node'
import { Agent, type Dispatcher } from 'undici'
import { DownpourError, errorMessage } from '../support/errors.ts'
import { readYaml } from '../support/yaml.ts'

/**
 * The library creates a new agent, and so a new TLS connection, for every request. This class keeps one until the CA or
 * the client certificate changes: while the options are equal, "none" keeps the base class from creating one.
 */
class PooledKubeConfig extends KubeConfig {
  #dispatcher: Dispatcher | undefined
  #options: DispatcherOptions | undefined
  #lastAuthentication: Promise<void> = Promise.resolve()

  override createDispatcherOptions(cluster: Cluster | null, agentOptions: AgentOptions): DispatcherOptions {
    const options = super.createDispatcherOptions(cluster, agentOptions)
    if (this.#dispatcher && isDeepStrictEqual(options, this.#options)) return { type: 'none' }
    this.#options = options
    return options
  }

  /** The library's YAML parser has no limits: a few hundred bytes of aliases would block it for minutes. */
  override loadFromString(...[text, options]: Parameters<KubeConfig['loadFromString']>): void {
    const config = readYaml(text)[0]?.value
    if (typeof config !== 'object' || config === null || Array.isArray(config))
      throw new DownpourError('KUBE_CONFIG_INVALID', 'the file is not a kubeconfig')
    super.loadFromString(text, options)
  }

  /** Serialised: two concurrent first calls would each create an agent, and the second would close the first one. */
  override applySecurityAuthentication(context: RequestContext): Promise<void> {
    const authenticated = this.#lastAuthentication
      .then(() => super.applySecurityAuthentication(context))
      .then(() => this.#pool(context))
    this.#lastAuthentication = authenticated.catch(() => {})
    return authenticated
  }

  #pool(context: RequestContext): void {
    const created = context.getDispatcher()
    if (created) this.replaceDispatcher(created)
    this.#dispatcher ??= new Agent()
    context.setDispatcher(this.#dispatcher)
  }

  /** The old dispatcher closes after its requests and watches have finished. */
  replaceDispatcher(next: Dispatcher | undefined): void {
    this.#dispatcher?.close().catch(() => undefined)
    this.#dispatcher = next
  }

  isCurrent(dispatcher: Dispatcher): boolean {
    return this.#dispatcher === dispatcher
  }

  async destroy(): Promise<void> {
    await this.#dispatcher?.destroy()
    this.#dispatcher = undefined
  }
}

export interface Authorized {
  headers: Record<string, string>
  dispatcher: Dispatcher
}

/** One API server: its address, credentials that are refreshed when needed, and one connection pool. */
export class Connection {
  readonly server: string
  /** The address for logs and messages, without the token that local mode puts into it. */
  readonly shownServer: string
  /** The namespace of the kubeconfig's context, or of the pod we run in. */
  readonly namespace: string
  readonly #config: PooledKubeConfig

  constructor(config: PooledKubeConfig, cluster: Cluster) {
    this.#config = config
    this.server = cluster.server.replace(/\/+$/, '')
    this.shownServer = this.server.replace(/\/\/[^/@]*@/, '//')
    this.namespace = config.getContextObject(config.getCurrentContext())?.namespace || 'default'
  }

  async authorize(path: string): Promise<Authorized> {
    const context = new RequestContext(this.server + path, HttpMethod.GET)
    await this.#config.applySecurityAuthentication(context)
    return { headers: context.getHeaders(), dispatcher: context.getDispatcher() as Dispatcher }
  }

  /**
   * Stops using a pool whose connection no longer answers: with HTTP/2, a request that timed out leaves the dead
   * connection in place, and later requests would wait on it too.
   */
  abandon(dispatcher: Dispatcher): void {
    if (this.#config.isCurrent(dispatcher)) this.#config.replaceDispatcher(undefined)
  }

  /** Stops using the pool and fails its requests at once, so that they are retried on another connection. */
  destroyPool(dispatcher: Dispatcher): void {
    this.abandon(dispatcher)
    dispatcher.destroy(null).catch(() => undefined)
  }

  close(): Promise<void> {
    return this.#config.destroy()
  }
}

/**
 * Opens no socket yet. Without a path: KUBECONFIG, ~/.kube/config, then the service account of the pod.
 * @throws KUBE_CONFIG_INVALID, KUBE_INSECURE_SERVER
 */
export function openConnection(path: string | undefined): Connection {
  const config = new PooledKubeConfig()
  try {
    if (path === undefined) config.loadFromDefault()
    else config.loadFromFile(path)
  } catch (error) {
    throw invalidConfig(path, errorMessage(error), error)
  }
  const cluster = config.getCurrentCluster()
  if (!cluster?.server) throw invalidConfig(path, `context "${config.getCurrentContext()}" names no cluster`)
  return new Connection(config, allowLoopbackHttp(config, cluster))
}

function invalidConfig(path: string | undefined, problem: string, cause?: unknown): DownpourError {
  return new DownpourError(
    'KUBE_CONFIG_INVALID',
    `kubeconfig ${path ?? '(default)'}: ${problem}; check the file or pass another with --kubeconfig`,
    { path },
    { cause },
  )
}

/** Accepts plain HTTP only on loopback (local mode, `kubectl proxy`): elsewhere it would leak the token. */
function allowLoopbackHttp(config: KubeConfig, cluster: Cluster): Cluster {
  const url = new URL(cluster.server)
  if (url.protocol !== 'http:' || cluster.skipTLSVerify) return cluster
  if (!/^(127\.\d+\.\d+\.\d+|localhost|\[::1\])$/.test(url.hostname)) {
    throw new DownpourError(
      'KUBE_INSECURE_SERVER',
      `cluster.server: got ${cluster.server}, expected https; plain http is accepted on loopback only`,
      { server: cluster.server },
    )
  }
  const withoutTls = { ...cluster, skipTLSVerify: true }
  config.clusters = config.clusters.map((other) => (other.name === cluster.name ? withoutTls : other))
  return withoutTls
}
