/** The targets that Prometheus' discovery of Kubernetes makes of objects, for builds of Prometheus that lack it. */
import { addressOf, type TargetGroup } from '../../src/contract/discovery.ts'

interface Meta {
  name: string
  namespace: string
  labels?: Record<string, string>
  annotations?: Record<string, string>
}
interface Port {
  name?: string
  containerPort: number
  protocol?: string
}
interface Container {
  name: string
  ports?: Port[]
}
export interface Pod {
  metadata: Meta
  spec: { nodeName?: string; containers: Container[]; initContainers?: Container[] }
  status: { phase: string; podIP?: string }
}
export interface Endpoints {
  metadata: Meta
  subsets?: {
    addresses?: { ip: string; targetRef?: { kind: string; name: string } }[]
    ports: { name?: string; port: number }[]
  }[]
}
export interface Service {
  metadata: Meta
}
type Labels = Record<string, string>

const META = '__meta_kubernetes'
/** What Prometheus makes of a name that its labels may not have. */
export const labelName = (key: string) => key.replaceAll(/[^a-zA-Z0-9_]/g, '_')

/** `role: pod`: a target for each port of each container, and one without port for a container that has none. */
export function podRole(pods: readonly Pod[]): TargetGroup[] {
  return pods.flatMap((pod) => {
    const { podIP } = pod.status
    // Without an address there is nothing to scrape, so Prometheus does not even drop such a pod.
    if (!podIP) return []
    const { initContainers = [], containers } = pod.spec
    const all = [
      ...containers.map((one) => [one, false] as const),
      ...initContainers.map((one) => [one, true] as const),
    ]
    return all.flatMap(([container, isInit]) => {
      const ofContainer = { ...ofPod(pod), [`${META}_pod_container_init`]: String(isInit) }
      const { name, ports = [] } = container
      if (ports.length === 0) {
        return [{ targets: [podIP], labels: { ...ofContainer, [`${META}_pod_container_name`]: name } }]
      }
      return ports.map((port) => ({
        targets: [addressOf(podIP, port.containerPort)],
        labels: { ...ofContainer, ...ofPort(name, port) },
      }))
    })
  })
}

/** `role: endpoints`, without the ports of pods that no Service names. */
export function endpointsRole(
  endpoints: readonly Endpoints[],
  services: readonly Service[],
  pods: readonly Pod[],
): TargetGroup[] {
  return endpoints.flatMap(({ metadata, subsets = [] }) => {
    const service = services.find((one) => isSame(one.metadata, metadata))
    const common = { [`${META}_namespace`]: metadata.namespace, ...(service && ofService(service)) }
    return subsets.flatMap(({ addresses = [], ports }) =>
      addresses.flatMap(({ ip, targetRef }) =>
        ports.map(({ name = '', port }) => ({
          targets: [addressOf(ip, port)],
          labels: {
            ...common,
            [`${META}_endpoint_port_name`]: name,
            ...(targetRef && { ...ofTarget(targetRef), ...ofPodBehind(targetRef.name, metadata, port, pods) }),
          },
        })),
      ),
    )
  })
}

function ofPod({ metadata, spec, status }: Pod): Labels {
  return {
    [`${META}_namespace`]: metadata.namespace,
    [`${META}_pod_name`]: metadata.name,
    [`${META}_pod_ip`]: status.podIP ?? '',
    [`${META}_pod_phase`]: status.phase,
    [`${META}_pod_node_name`]: spec.nodeName ?? '',
    ...named(`${META}_pod_label`, metadata.labels),
    ...named(`${META}_pod_annotation`, metadata.annotations),
  }
}

function ofPort(container: string, { name = '', containerPort, protocol = 'TCP' }: Port): Labels {
  return {
    [`${META}_pod_container_name`]: container,
    [`${META}_pod_container_port_name`]: name,
    [`${META}_pod_container_port_number`]: String(containerPort),
    [`${META}_pod_container_port_protocol`]: protocol,
  }
}

function ofService({ metadata }: Service): Labels {
  return { [`${META}_service_name`]: metadata.name, ...named(`${META}_service_label`, metadata.labels) }
}

function ofTarget({ kind, name }: { kind: string; name: string }): Labels {
  return { [`${META}_endpoint_address_target_kind`]: kind, [`${META}_endpoint_address_target_name`]: name }
}

function ofPodBehind(name: string, { namespace }: Meta, port: number, pods: readonly Pod[]): Labels {
  const pod = pods.find(({ metadata }) => isSame(metadata, { name, namespace }))
  const container = pod?.spec.containers.find(({ ports = [] }) => ports.some((one) => one.containerPort === port))
  const found = container?.ports?.find((one) => one.containerPort === port)
  return { ...(pod && ofPod(pod)), ...(container && found && ofPort(container.name, found)) }
}

/** The value of each key, and that it exists, because relabelings cannot tell an empty value from none. */
function named(prefix: string, values: Record<string, string> = {}): Labels {
  const pairs = Object.entries(values).flatMap(([key, value]) => [
    [`${prefix}_${labelName(key)}`, value],
    [`${prefix}present_${labelName(key)}`, 'true'],
  ])
  return Object.fromEntries(pairs)
}

function isSame(one: Meta, other: Meta): boolean {
  return one.name === other.name && one.namespace === other.namespace
}
