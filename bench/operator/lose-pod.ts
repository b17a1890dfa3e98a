/** Fails pods on fake nodes by writing the status that a kubelet would write. */
import type { KubeClient } from '../../src/kube/client.ts'
import type { KubeObject } from '../../src/kube/objects.ts'
import { PODS } from './measure.ts'

type Pod = KubeObject & { status?: { phase?: string } }

export async function failPod(client: KubeClient, name: string): Promise<void> {
  const ref = { ...PODS, name, subresource: 'status' } as const
  const state = { terminated: { exitCode: 137, reason: 'OOMKilled' } }
  const containerStatuses = [{ name: 'worker', image: '', imageID: '', ready: false, restartCount: 0, state }]
  await client.mergePatch(ref, { status: { phase: 'Failed', containerStatuses } })
}

/** Fails the pod. @returns seconds until another pod of the same name runs */
export async function measureReplacement(client: KubeClient, name: string): Promise<number> {
  const { resourceVersion, uid } = (await client.get({ ...PODS, name })).metadata
  const startedMs = performance.now()
  await failPod(client, name)
  for await (const event of client.watch<Pod>(PODS, { fieldSelector: `metadata.name=${name}`, resourceVersion })) {
    if (event.type !== 'ADDED' && event.type !== 'MODIFIED') continue
    const { metadata, status } = event.object
    if (metadata.uid !== uid && status?.phase === 'Running') return (performance.now() - startedMs) / 1000
  }
  throw new Error(`the watch of ${name} ended before it was replaced`)
}
