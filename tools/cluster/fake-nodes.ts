/** Node objects that kwok keeps Ready, with GPUs that exist only in their capacity, which is all the scheduler reads. */
import { FAKE_NODE_ANNOTATION } from './control-plane.ts'
import type { Kubectl } from './kubectl.ts'
import type { ClusterShape } from './state.ts'

interface NodeObject {
  metadata: { name: string; annotations?: Record<string, string> }
  status?: { capacity?: Record<string, string>; conditions?: { type: string; status: string }[] }
}

export const GPU = 'nvidia.com/gpu'
const ZONES = 3

/** @returns a description of the changes for people, or undefined when all nodes existed already. */
export async function ensureFakeNodes(kubectl: Kubectl, shape: ClusterShape): Promise<string | undefined> {
  const wanted = fakeNodes(shape)
  const present = (await listNodes(kubectl)).filter(isFake)
  const surplus = present.filter((node) => !wanted.some((each) => isSame(each, node)))
  const missing = wanted.filter((node) => !present.some((each) => isSame(node, each)))
  if (surplus.length > 0) await kubectl(['delete', 'node', ...surplus.map(nameOf)])
  if (missing.length > 0) await kubectl(['create', '-f', '-'], list(missing))
  if (shape.nodes > 0) await untilReady(kubectl)
  if (surplus.length + missing.length === 0) return undefined
  return `${missing.length} created, ${surplus.length} removed`
}

export async function listNodes(kubectl: Kubectl): Promise<NodeObject[]> {
  return (JSON.parse(await kubectl(['get', 'nodes', '-o', 'json'])) as { items: NodeObject[] }).items
}

export function isReady(node: NodeObject): boolean {
  return node.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false
}

export const isFake = (node: NodeObject) => node.metadata.annotations?.[FAKE_NODE_ANNOTATION] === 'fake'
export const gpusOf = (node: NodeObject) => node.status?.capacity?.[GPU] ?? '0'
const nameOf = (node: NodeObject) => node.metadata.name
const isSame = (a: NodeObject, b: NodeObject) => nameOf(a) === nameOf(b) && gpusOf(a) === gpusOf(b)
const list = (items: readonly unknown[]) => JSON.stringify({ apiVersion: 'v1', kind: 'List', items })

async function untilReady(kubectl: Kubectl): Promise<void> {
  await kubectl(['wait', 'nodes', '-l', 'type=kwok', '--for=condition=Ready', '--timeout=60s'])
}

function fakeNodes({ nodes, gpusPerNode }: ClusterShape) {
  return Array.from({ length: nodes }, (_, index) => fakeNode(index, gpusPerNode))
}

function fakeNode(index: number, gpus: number) {
  const name = `fake-${index}`
  const resources = { cpu: '128', memory: '1Ti', pods: '110', ...(gpus > 0 ? { [GPU]: String(gpus) } : {}) }
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: {
      name,
      annotations: { [FAKE_NODE_ANNOTATION]: 'fake', 'node.alpha.kubernetes.io/ttl': '0' },
      labels: {
        type: 'kwok',
        'kubernetes.io/arch': 'amd64',
        'kubernetes.io/hostname': name,
        'kubernetes.io/os': 'linux',
        'topology.kubernetes.io/zone': `zone-${index % ZONES}`,
      },
    },
    status: { allocatable: resources, capacity: resources },
  }
}
