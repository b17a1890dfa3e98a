/** Jobs that start from a checkpoint on a claim, with an operator on the real API server. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { JobStatus } from '../../src/api/status.ts'
import { API_VERSION, LABELS, PLURALS } from '../../src/contract/names.ts'
import { ENV, MOUNTS } from '../../src/contract/runtime.ts'
import type { KubeObject } from '../../src/kube/objects.ts'
import { eventually } from '../support/eventually.ts'
import { openNamespace, type TestNamespace } from './fixture.ts'

interface MountingPod extends KubeObject {
  spec: {
    volumes: { name: string; persistentVolumeClaim?: { claimName: string; readOnly?: boolean } }[]
    containers: {
      env: { name: string; value?: string }[]
      volumeMounts: { name: string; mountPath: string; readOnly?: boolean }[]
    }[]
  }
}

let namespace: TestNamespace
before(async () => {
  namespace = await openNamespace('source-volume')
})
after(() => namespace.remove())

test('parameter servers alone mount the claim of the source, read-only, and are created at once', async () => {
  namespace.startOperator()
  await namespace.createJob('second', 2, { from: { volume: { claimName: 'data', path: 'imagenet' } } })
  const pods = await eventually(
    async () => {
      const found = (await namespace.pods()) as MountingPod[]
      assert.equal(found.length, 3)
      return found
    },
    { timeoutMs: 60_000 },
  )
  for (const { metadata, spec } of pods) {
    const [container] = spec.containers
    const isServer = metadata.labels?.[LABELS.role] === 'ps'
    const mount = container?.volumeMounts.find(({ mountPath }) => mountPath === MOUNTS.source)
    assert.equal(mount?.readOnly, isServer ? true : undefined, metadata.name ?? '')
    const volume = spec.volumes.find(({ name }) => name === mount?.name)
    if (isServer) assert.deepEqual(volume?.persistentVolumeClaim, { claimName: 'data', readOnly: true })
    const config = container?.env.find(({ name }) => name === ENV.config)?.value ?? ''
    assert.deepEqual(JSON.parse(config).init, { type: 'folder', path: 'imagenet' })
  }
  const status = await eventually(
    async () => {
      const ref = { apiVersion: API_VERSION, plural: PLURALS.PretrainJob, namespace: namespace.name, name: 'second' }
      const { status } = (await namespace.client.get<KubeObject>(ref)) as KubeObject & { status?: JobStatus }
      assert.equal(status?.phase, 'Running')
      return status
    },
    { timeoutMs: 60_000 },
  )
  const resolved = status.conditions.find(({ type }) => type === 'SourceResolved')
  assert.deepEqual([resolved?.status, resolved?.reason], ['Unknown', 'NotChosen'])
})
