/** Pods that exist but cannot run, on a real API server and scheduler: no matching node, no volume, no image. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { podName } from '../../src/contract/names.ts'
import type { KubeObject } from '../../src/kube/objects.ts'
import { ensureCluster } from '../../tools/cluster/ensure-cluster.ts'
import { type Kubectl, kubectlAt } from '../../tools/cluster/kubectl.ts'
import { eventually } from '../support/eventually.ts'
import { untilCondition, untilRunning } from './conditions.ts'
import { type OperatorProcess, openNamespace, type TestNamespace } from './fixture.ts'

/** Name of the test's namespace and of its node. */
const NAME = `bad-places-${process.pid}`
const NODE_LABEL = 'test.downpour.dev/place'
const IMAGE = 'registry.test/none:1'
const PULL = `failed to pull and unpack image "${IMAGE}": failed to resolve reference "${IMAGE}": ${IMAGE}: not found`

let kubectl: Kubectl
let namespace: TestNamespace
let operator: OperatorProcess
before(async () => {
  kubectl = kubectlAt((await ensureCluster()).kubectl)
  namespace = await openNamespace(NAME)
  operator = namespace.startOperator(['--no-leader-elect'])
})
after(async () => {
  await kubectl(['label', 'node', 'fake-0', `${NODE_LABEL}-`])
  await kubectl(['delete', 'node', NAME, '--ignore-not-found', '--wait=false'])
  await kubectl(['delete', 'persistentvolume', `${NAME}-late`, '--ignore-not-found', '--wait=false'])
  await namespace.remove()
})

const apply = (object: object) => kubectl(['apply', '-f', '-'], JSON.stringify(object))
const workersOn = (nodeSelector: object) => ({ workers: { replicas: 1, template: { nodeSelector } } })

describe('the job reports why pods do not run, and they run when the cause is gone', { concurrency: true }, () => {
  test('no node matches the node selector', async (t) => {
    await namespace.createJob('lost', 1, workersOn({ [NODE_LABEL]: NAME }))
    const unschedulable =
      /^False Unschedulable: worker-0: 0\/\d+ nodes are available: .*didn't match Pod's node affinity\/selector/
    t.diagnostic(await untilCondition(namespace, 'lost', 'Scheduled', unschedulable))
    await kubectl(['label', 'node', 'fake-0', `${NODE_LABEL}=${NAME}`])
    await untilRunning(namespace, 'lost')
  })

  test('a missing claim, then a claim that stays Pending', async (t) => {
    const storage = { volume: { claimName: 'late' } }
    await namespace.createJob('dry', 1, { checkpoint: { storage } })
    const missing = /^False Unschedulable: .*: persistentvolumeclaim "late" not found/
    t.diagnostic(await untilCondition(namespace, 'dry', 'Scheduled', missing))
    await apply(claim())
    const pending =
      /^False Unschedulable: .*: 0\/\d+ nodes are available: pod has unbound immediate PersistentVolumeClaims/
    t.diagnostic(await untilCondition(namespace, 'dry', 'Scheduled', pending))
    await apply(volume())
    await untilRunning(namespace, 'dry')
  })

  test('an image that cannot be pulled', async (t) => {
    await apply(bareNode())
    const ps = {
      parameterServer: { replicas: 1, template: { nodeSelector: { [NODE_LABEL]: 'bare' }, tolerations: TOLERATIONS } },
    }
    await namespace.createJob('blank', 1, { ...ps, runtime: { image: IMAGE } })
    await writeContainerState({ waiting: { reason: 'ContainerCreating' } })
    await writeContainerState({ waiting: { reason: 'ErrImagePull', message: PULL } })
    const failedPull =
      /^False ImagePullBackOff: ps 0\/1, workers \d\/1; ps-0: ErrImagePull: failed to pull and unpack image "registry/
    t.diagnostic(await untilCondition(namespace, 'blank', 'Running', failedPull))
    await writeContainerState({ waiting: { reason: 'ImagePullBackOff', message: `Back-off pulling image "${IMAGE}"` } })
    await untilCondition(
      namespace,
      'blank',
      'Running',
      /^False ImagePullBackOff: .*; ps-0: ImagePullBackOff: Back-off pulling image "registry/,
    )
    await writeContainerState({ running: { startedAt: new Date().toISOString() } })
    await untilRunning(namespace, 'blank')
  })

  after(() => assert.equal(operator.child.exitCode, null, operator.output()))
})

const SIZE = { storage: '1Gi' }
const COMMON = { accessModes: ['ReadWriteMany'], storageClassName: '' }

function claim(): object {
  const metadata = { name: 'late', namespace: NAME }
  const spec = { ...COMMON, volumeName: `${NAME}-late`, resources: { requests: SIZE } }
  return { apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata, spec }
}

function volume(): object {
  const claimRef = { namespace: NAME, name: 'late' }
  const spec = { ...COMMON, capacity: SIZE, hostPath: { path: '/var/lib/late' }, claimRef }
  return { apiVersion: 'v1', kind: 'PersistentVolume', metadata: { name: `${NAME}-late` }, spec }
}

/** Lets a pod run on `bareNode`, which neither kwok nor a kubelet serves: the test writes the pod's status itself. */
const TOLERATIONS = [{ operator: 'Exists' }]

function bareNode(): object {
  const resources = { cpu: '64', memory: '512Gi', pods: '10' }
  const metadata = { name: NAME, labels: { [NODE_LABEL]: 'bare' } }
  const spec = { taints: [{ key: NODE_LABEL, value: 'bare', effect: 'NoSchedule' }] }
  return { apiVersion: 'v1', kind: 'Node', metadata, spec, status: { capacity: resources, allocatable: resources } }
}

/** Writes the state of the parameter server's container to the pod's status, as a kubelet does. */
async function writeContainerState(state: { waiting?: object; running?: object }): Promise<void> {
  const ref = { apiVersion: 'v1', plural: 'pods', namespace: NAME, name: podName('PretrainJob', 'blank', 'ps', 0) }
  await eventually(
    async () => {
      const pod = await namespace.client.get<KubeObject & { spec: { nodeName?: string } }>(ref)
      assert.equal(pod.spec.nodeName, NAME)
    },
    { timeoutMs: 15_000 },
  )
  const status = { phase: state.running ? 'Running' : 'Pending', containerStatuses: [{ name: 'ps', state }] }
  await namespace.client.mergePatch({ ...ref, subresource: 'status' }, { status })
}
