/** Pods that are made and do not run, on a real API server and scheduler: no node, no volume, no image. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { podName } from '../../src/contract/names.ts'
import type { KubeObject } from '../../src/kube/objects.ts'
import { ensureCluster } from '../../tools/cluster/ensure-cluster.ts'
import { type Kubectl, kubectlAt } from '../../tools/cluster/kubectl.ts'
import { eventually } from '../support/eventually.ts'
import { type OperatorProcess, openNamespace, type TestNamespace } from './fixture.ts'
import { recovers, says } from './verdicts.ts'

const PLACE = `bad-places-${process.pid}`
const MARK = 'test.downpour.dev/place'
const IMAGE = 'registry.test/none:1'
const PULL = `failed to pull and unpack image "${IMAGE}": failed to resolve reference "${IMAGE}": ${IMAGE}: not found`

let kubectl: Kubectl
let namespace: TestNamespace
let operator: OperatorProcess
before(async () => {
  kubectl = kubectlAt((await ensureCluster()).kubectl)
  namespace = await openNamespace(PLACE)
  operator = namespace.startOperator(['--no-leader-elect'])
})
after(async () => {
  await kubectl(['label', 'node', 'fake-0', `${MARK}-`])
  await kubectl(['delete', 'node', PLACE, '--ignore-not-found', '--wait=false'])
  await kubectl(['delete', 'persistentvolume', `${PLACE}-late`, '--ignore-not-found', '--wait=false'])
  await namespace.remove()
})

const apply = (object: object) => kubectl(['apply', '-f', '-'], JSON.stringify(object))
const workersOn = (nodeSelector: object) => ({ workers: { replicas: 1, template: { nodeSelector } } })

describe('pods that do not run tell why, and run when the cause is gone', { concurrency: true }, () => {
  test('no node fits', async (t) => {
    await namespace.createJob('lost', 1, workersOn({ [MARK]: PLACE }))
    const words =
      /^False Unschedulable: worker-0: 0\/\d+ nodes are available: .*didn't match Pod's node affinity\/selector/
    t.diagnostic(await says(namespace, 'lost', 'Scheduled', words))
    await kubectl(['label', 'node', 'fake-0', `${MARK}=${PLACE}`])
    await recovers(namespace, 'lost')
  })

  test('a claim that is not there, then one that stays pending', async (t) => {
    const storage = { volume: { claimName: 'late' } }
    await namespace.createJob('dry', 1, { checkpoint: { storage } })
    const missing = /^False Unschedulable: .*: persistentvolumeclaim "late" not found/
    t.diagnostic(await says(namespace, 'dry', 'Scheduled', missing))
    await apply(claim())
    const pending =
      /^False Unschedulable: .*: 0\/\d+ nodes are available: pod has unbound immediate PersistentVolumeClaims/
    t.diagnostic(await says(namespace, 'dry', 'Scheduled', pending))
    await apply(volume())
    await recovers(namespace, 'dry')
  })

  test('an image that cannot be pulled', async (t) => {
    await apply(bareNode())
    const ps = {
      parameterServer: { replicas: 1, template: { nodeSelector: { [MARK]: 'bare' }, tolerations: TOLERANT } },
    }
    await namespace.createJob('blank', 1, { ...ps, runtime: { image: IMAGE } })
    await kubelet({ waiting: { reason: 'ContainerCreating' } })
    await kubelet({ waiting: { reason: 'ErrImagePull', message: PULL } })
    const words =
      /^False ImagePullBackOff: ps 0\/1, workers \d\/1; ps-0: ErrImagePull: failed to pull and unpack image "registry/
    t.diagnostic(await says(namespace, 'blank', 'Running', words))
    await kubelet({ waiting: { reason: 'ImagePullBackOff', message: `Back-off pulling image "${IMAGE}"` } })
    await says(
      namespace,
      'blank',
      'Running',
      /^False ImagePullBackOff: .*; ps-0: ImagePullBackOff: Back-off pulling image "registry/,
    )
    await kubelet({ running: { startedAt: new Date().toISOString() } })
    await recovers(namespace, 'blank')
  })

  after(() => assert.equal(operator.child.exitCode, null, operator.output()))
})

const SIZE = { storage: '1Gi' }
const COMMON = { accessModes: ['ReadWriteMany'], storageClassName: '' }

function claim(): object {
  const metadata = { name: 'late', namespace: PLACE }
  const spec = { ...COMMON, volumeName: `${PLACE}-late`, resources: { requests: SIZE } }
  return { apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata, spec }
}

function volume(): object {
  const claimRef = { namespace: PLACE, name: 'late' }
  const spec = { ...COMMON, capacity: SIZE, hostPath: { path: '/var/lib/late' }, claimRef }
  return { apiVersion: 'v1', kind: 'PersistentVolume', metadata: { name: `${PLACE}-late` }, spec }
}

/** Nobody looks at it soon: the scheduler places pods there and the test is their kubelet. */
const TOLERANT = [{ operator: 'Exists' }]

function bareNode(): object {
  const resources = { cpu: '64', memory: '512Gi', pods: '10' }
  const metadata = { name: PLACE, labels: { [MARK]: 'bare' } }
  const spec = { taints: [{ key: MARK, value: 'bare', effect: 'NoSchedule' }] }
  return { apiVersion: 'v1', kind: 'Node', metadata, spec, status: { capacity: resources, allocatable: resources } }
}

/** What a kubelet writes about the container of the parameter server, in its words. */
async function kubelet(state: { waiting?: object; running?: object }): Promise<void> {
  const ref = { apiVersion: 'v1', plural: 'pods', namespace: PLACE, name: podName('PretrainJob', 'blank', 'ps', 0) }
  await eventually(
    async () => {
      const pod = await namespace.client.get<KubeObject & { spec: { nodeName?: string } }>(ref)
      assert.equal(pod.spec.nodeName, PLACE)
    },
    { timeoutMs: 15_000 },
  )
  const status = { phase: state.running ? 'Running' : 'Pending', containerStatuses: [{ name: 'ps', state }] }
  await namespace.client.mergePatch({ ...ref, subresource: 'status' }, { status })
}
