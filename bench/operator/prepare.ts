/** Prepares the cluster for the contenders: the CRDs, a namespace, and two bound claims. */
import { readFile } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import type { KubeClient } from '../../src/kube/client.ts'
import type { KubeObject } from '../../src/kube/objects.ts'
import type { Kubectl } from '../../tools/cluster/kubectl.ts'
import { NAMESPACE } from './measure.ts'

const CLAIMS = ['data', 'checkpoints']
const SIZE = { storage: '1Gi' }

/** @param namespace created if it is missing */
export async function prepareNamespace(client: KubeClient, kubectl: Kubectl, namespace = NAMESPACE): Promise<void> {
  for (const file of ['crds/pretrainjobs.yaml', 'crds/finetunejobs.yaml']) {
    await kubectl(['apply', '--server-side', '--force-conflicts', '-f', '-'], await readFile(file, 'utf8'))
  }
  const items = [
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } },
    ...CLAIMS.flatMap((name) => claim(namespace, name)),
  ]
  await kubectl(['apply', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items }))
  for (const name of CLAIMS) await untilBound(client, namespace, name)
}

/** A claim and the volume that it is bound to. Pods on fake nodes never use its folder. */
function claim(namespace: string, name: string): object[] {
  const volume = `${namespace}-${name}`
  const common = { accessModes: ['ReadWriteMany'], storageClassName: '' }
  return [
    {
      apiVersion: 'v1',
      kind: 'PersistentVolume',
      metadata: { name: volume },
      spec: {
        ...common,
        capacity: SIZE,
        hostPath: { path: `/var/lib/${volume}` },
        claimRef: { namespace, name },
      },
    },
    {
      apiVersion: 'v1',
      kind: 'PersistentVolumeClaim',
      metadata: { name, namespace },
      spec: { ...common, volumeName: volume, resources: { requests: SIZE } },
    },
  ]
}

async function untilBound(client: KubeClient, namespace: string, name: string): Promise<void> {
  const ref = { apiVersion: 'v1', plural: 'persistentvolumeclaims', namespace, name }
  while ((await client.get<KubeObject & { status?: { phase?: string } }>(ref)).status?.phase !== 'Bound')
    await delay(100)
}
