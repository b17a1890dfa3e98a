/** What the operator answers to Prometheus' HTTP discovery: the pods of jobs that run, and the operator's own replicas. */
import { addressOf, podTargets, type TargetGroup } from '../contract/discovery.ts'
import type { KubeClient } from '../kube/client.ts'
import type { Store } from '../kube/store.ts'
import { DownpourError, errorMessage } from '../support/errors.ts'
import type { Log } from '../support/log.ts'
import type { RawPod } from './raw-pod.ts'

/** Labels of the chart's pods that no value changes: the name would follow `nameOverride`. */
const REPLICAS = 'app.kubernetes.io/part-of=downpour,app.kubernetes.io/component=operator'
const PORT_NAME = 'http'
const FRESH_MS = 5000

export interface DiscoveryOptions {
  client: KubeClient
  /** The pods of jobs. */
  pods: Pick<Store<RawPod>, 'list'>
  /** Whether `pods` has been listed completely. */
  isSynced: () => boolean
  log: Log
}

export class Discovery {
  readonly #options: DiscoveryOptions
  #replicas: Promise<void> | undefined
  #known: readonly TargetGroup[] = []
  #askedMs = 0

  constructor(options: DiscoveryOptions) {
    this.#options = options
  }

  /** @throws NOT_READY; Prometheus then keeps the targets that it has, where an empty answer would end their series */
  async targets(): Promise<TargetGroup[]> {
    if (!this.#options.isSynced()) throw notReady()
    await this.#findReplicasAtTimes()
    return [...this.#known, ...podTargets(this.#options.pods.list())]
  }

  /** Asks the API server at most every five seconds, however often Prometheus asks. */
  #findReplicasAtTimes(): Promise<void> {
    if (!this.#replicas || performance.now() - this.#askedMs >= FRESH_MS) {
      this.#askedMs = performance.now()
      this.#replicas = this.#findReplicas()
    }
    return this.#replicas
  }

  /** Without an answer it keeps those that it knows: their metrics are wanted most while the API server is in trouble. */
  async #findReplicas(): Promise<void> {
    const { client, log } = this.#options
    const pods = { apiVersion: 'v1', plural: 'pods', namespace: client.namespace }
    try {
      const { items } = await client.list<RawPod>(pods, { labelSelector: REPLICAS })
      this.#known = items.flatMap((pod) => replicaTarget(pod) ?? [])
    } catch (error) {
      log.warn({ namespace: client.namespace, reason: errorMessage(error) }, 'discovery may lack the operator itself')
    }
  }
}

function notReady(): Error {
  const message = 'the pods of jobs have not been listed yet'
  return Object.assign(new DownpourError('NOT_READY', message), { status: 503 })
}

function replicaTarget({ metadata, spec, status }: RawPod): TargetGroup | undefined {
  const containers = (spec?.containers ?? []) as { ports?: { name?: string; containerPort: number }[] }[]
  const port = containers.flatMap(({ ports = [] }) => ports).find(({ name }) => name === PORT_NAME)
  if (status?.phase !== 'Running' || !status.podIP || !port) return undefined
  const labels = { namespace: metadata.namespace ?? '', pod: metadata.name }
  return { targets: [addressOf(status.podIP, port.containerPort)], labels }
}
