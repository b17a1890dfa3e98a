/** Fake nodes with capacity for all pods. They are few, so that the scheduler's search does not dominate the figures. */
import type { KubeClient } from '../../src/kube/client.ts'
import { isAlreadyExists } from '../../src/kube/errors.ts'
import type { KubeObject } from '../../src/kube/objects.ts'

const NODES = 50
const WHERE = { apiVersion: 'v1', plural: 'nodes' }
const nameOf = (index: number) => `large-${index}`

export async function makeLargeNodes(client: KubeClient, pods: number): Promise<void> {
  const capacity = String(pods)
  const resources = { cpu: '1M', memory: '1Pi', pods: capacity, 'nvidia.com/gpu': capacity }
  for (let index = 0; index < NODES; index++) {
    const metadata = {
      name: nameOf(index),
      annotations: { 'kwok.x-k8s.io/node': 'fake' },
      labels: { type: 'kwok', 'kubernetes.io/hostname': nameOf(index) },
    }
    const status = { allocatable: resources, capacity: resources }
    const node = { apiVersion: 'v1', kind: 'Node', metadata, spec: {}, status } as KubeObject
    await client.create(WHERE, node).catch((error: unknown) => {
      if (!isAlreadyExists(error)) throw error
    })
  }
}

export async function removeLargeNodes(client: KubeClient): Promise<void> {
  for (let index = 0; index < NODES; index++) await client.delete({ ...WHERE, name: nameOf(index) })
}
