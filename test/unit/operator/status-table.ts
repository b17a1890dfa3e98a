/** States of a worker's pod that kubelets, webhooks and control planes produce, with the expected facts and conditions. */
import type { PodFacts } from '../../../src/operator/observed.ts'
import type { ContainerState, RawPod } from '../../../src/operator/raw-pod.ts'
import { isoAgo, NOW } from './builders.ts'
import { badData, container, ended, INIT_FAILED, running, SIDECAR_FIRST, type Status, waiting } from './pod-statuses.ts'

const notReady = [{ type: 'Ready', status: 'False', reason: 'ContainersNotReady' }]
const preempted = (secondsAfterEnd: number) => ({
  type: 'DisruptionTarget',
  status: 'True',
  reason: 'PreemptionByScheduler',
  lastTransitionTime: new Date(NOW - 20_000 + secondsAfterEnd * 1000).toISOString(),
})

export interface Row {
  what: string
  status: Status
  /** Phase; whether it is ready; whether other containers outlive its own. */
  is: [PodFacts['phase'], boolean, boolean]
  /** Condition Failed of the job, else Degraded, else Running: type, reason and message. */
  condition: RegExp
  fate: Fate
  /** The spec of the pod, if it matters. */
  spec?: RawPod['spec']
}

/** `…Beside`: other containers run on. `…Early`: the kubelet has not reported the end of the pod, or still ends sidecars. */
export type Fate =
  | 'works'
  | 'starts'
  | 'silent'
  | 'done'
  | 'doneBeside'
  | 'doneEarly'
  | 'failed'
  | 'failedBeside'
  | 'failedEarly'
  | 'disrupted'
  | 'spoilt'
  | 'spoiltBeside'

/** Ends that the kubelet itself reports; it does not always know their times. */
const oddEnd = (exitCode: number, reason: string, message?: string): ContainerState => ({
  terminated: { ...ended(exitCode).terminated, reason, message },
})
const UNKNOWN_END = {
  terminated: {
    exitCode: 137,
    reason: 'ContainerStatusUnknown',
    message: 'The container could not be located',
    startedAt: null,
    finishedAt: null,
  },
} as unknown as ContainerState

export const proxy = container('istio-proxy', running)

export const TABLE: readonly Row[] = [
  {
    what: 'classic sidecar first, ended with code 0: the exit code of the worker counts',
    status: SIDECAR_FIRST,
    is: ['Failed', false, false],
    condition: /^Failed BAD_DATA: worker-0: x.tfrecord at byte 0: data CRC does not match \(exit 11\)$/,
    fate: 'spoilt',
  },
  {
    what: 'init container that failed',
    status: INIT_FAILED,
    is: ['Failed', false, false],
    condition: /^Degraded .*worker-0: init container "istio-init": iptables: permission denied \(exit 255\)/,
    fate: 'failed',
  },
  {
    what: 'classic sidecar first, the worker ended with bad data, the proxy runs',
    status: { phase: 'Running', containerStatuses: [proxy, container('worker', badData)] },
    is: ['Failed', false, true],
    condition: /^Failed BAD_DATA/,
    fate: 'spoiltBeside',
  },
  {
    what: 'classic sidecar last, the worker ended with bad data, the proxy runs',
    status: { phase: 'Running', containerStatuses: [container('worker', badData), proxy] },
    is: ['Failed', false, true],
    condition: /^Failed BAD_DATA/,
    fate: 'spoiltBeside',
  },
  {
    what: 'native sidecar runs, which the API server lists as an init container; the worker was killed',
    status: {
      phase: 'Running',
      initContainerStatuses: [container('istio-init', ended(0)), proxy],
      containerStatuses: [container('worker', ended(137, 'killed'))],
    },
    is: ['Failed', false, true],
    condition: /^Degraded .*worker-0: killed \(exit 137\)/,
    fate: 'failedEarly',
  },
  {
    what: 'the worker succeeded; of two injected containers one ended and one runs',
    status: {
      phase: 'Running',
      containerStatuses: [container('vault-agent', ended(0)), container('worker', ended(0)), proxy],
    },
    is: ['Succeeded', false, true],
    condition: /^Running Training/,
    fate: 'doneBeside',
  },
  {
    what: 'the worker succeeded, then a sidecar failed: the phase of the pod is Failed',
    status: { phase: 'Failed', containerStatuses: [container('worker', ended(0)), container('istio-proxy', ended(1))] },
    is: ['Succeeded', false, false],
    condition: /^Running Training/,
    fate: 'done',
  },
  {
    what: 'the deadline that the operator set ended the sidecars after the end of the worker',
    spec: { nodeName: 'node-1', activeDeadlineSeconds: 1 },
    status: {
      phase: 'Failed',
      reason: 'DeadlineExceeded',
      message: 'Pod was active on the node longer than the specified deadline',
      containerStatuses: [container('istio-proxy', ended(137)), container('worker', ended(1, 'torn'))],
    },
    is: ['Failed', false, false],
    condition: /^Degraded .*worker-0: torn \(exit 1\)$/,
    fate: 'failed',
  },
  {
    what: 'all containers run, the worker is ready, an injected proxy is not',
    status: {
      phase: 'Running',
      conditions: notReady,
      containerStatuses: [{ ...proxy, ready: false }, container('vault-agent', running), container('worker', running)],
    },
    is: ['Running', true, false],
    condition: /^Running Training: ps 1\/1, workers 2\/2$/,
    fate: 'works',
  },
  {
    what: 'all containers run, the worker is not ready',
    status: {
      phase: 'Running',
      conditions: notReady,
      containerStatuses: [proxy, container('worker', running, { ready: false })],
    },
    is: ['Running', false, false],
    condition: /^Running Training/,
    fate: 'works',
  },
  {
    what: 'the image of a classic sidecar cannot be pulled: the pod is Pending, the worker runs',
    status: {
      phase: 'Pending',
      conditions: notReady,
      containerStatuses: [
        container('istio-proxy', waiting('ImagePullBackOff', 'Back-off pulling image "proxy:9"')),
        container('worker', running),
      ],
    },
    is: ['Running', true, false],
    condition:
      /^Running Training: .*worker-0: ImagePullBackOff: container "istio-proxy": Back-off pulling image "proxy:9"$/,
    fate: 'works',
  },
  {
    what: 'a classic sidecar has crashed, the worker runs',
    status: {
      phase: 'Running',
      containerStatuses: [container('istio-proxy', ended(2, 'no certificate')), container('worker', running)],
    },
    is: ['Running', true, false],
    condition: /^Running Training: .*worker-0: Error: container "istio-proxy": ended with exit code 2: no certificate$/,
    fate: 'works',
  },
  {
    what: 'init container waits for its image, which cannot be pulled',
    status: {
      phase: 'Pending',
      initContainerStatuses: [container('istio-init', waiting('ImagePullBackOff', 'Back-off pulling image "init:9"'))],
      containerStatuses: [
        container('istio-proxy', waiting('PodInitializing')),
        container('worker', waiting('PodInitializing')),
      ],
    },
    is: ['Pending', false, false],
    condition:
      /^Running Training: .*worker-0: ImagePullBackOff: init container "istio-init": Back-off pulling image "init:9"$/,
    fate: 'starts',
  },
  {
    what: 'native sidecar that is restarted again and again',
    status: {
      phase: 'Pending',
      initContainerStatuses: [
        container('istio-proxy', waiting('CrashLoopBackOff', 'back-off 40s restarting failed container'), {
          lastState: ended(255, 'iptables: permission denied'),
        }),
      ],
      containerStatuses: [container('worker', waiting('PodInitializing'))],
    },
    is: ['Pending', false, false],
    condition:
      /CrashLoopBackOff: init container "istio-proxy": back-off 40s .*ended with exit code 255: iptables: permission denied$/,
    fate: 'starts',
  },
  {
    what: 'an init container runs: a normal start',
    status: {
      phase: 'Pending',
      initContainerStatuses: [container('istio-init', running)],
      containerStatuses: [container('worker', waiting('PodInitializing'))],
    },
    is: ['Pending', false, false],
    condition: /^Running Training: ps 1\/1, workers 1\/2$/,
    fate: 'starts',
  },
  {
    what: 'native sidecar first, then an init container that failed: the sidecar was ended after it',
    status: {
      phase: 'Failed',
      initContainerStatuses: [
        container('istio-proxy', { terminated: { ...ended(143).terminated, finishedAt: '2026-01-02T03:04:04Z' } }),
        container('prepare', ended(3, 'no such table')),
      ],
      containerStatuses: [container('worker', waiting('PodInitializing'))],
    },
    is: ['Failed', false, false],
    condition: /worker-0: init container "prepare": no such table \(exit 3\)$/,
    fate: 'failed',
  },
  {
    what: 'an init container ended with an exit code of Downpour: the code has no meaning there',
    status: {
      phase: 'Failed',
      initContainerStatuses: [container('check', ended(11))],
      containerStatuses: [container('worker', waiting('PodInitializing'))],
    },
    is: ['Failed', false, false],
    condition: /^Degraded .*worker-0: init container "check": ended with reason Error \(exit 11\)$/,
    fate: 'failed',
  },
  {
    what: 'an ephemeral debug container has failed: it is ignored',
    status: {
      phase: 'Running',
      containerStatuses: [container('worker', running)],
      ephemeralContainerStatuses: [container('debugger', ended(1))],
    } as Status,
    is: ['Running', true, false],
    condition: /^Running Training: ps 1\/1, workers 2\/2$/,
    fate: 'works',
  },
  {
    what: 'no containerStatuses yet, the sandbox is being created',
    status: { phase: 'Pending', conditions: [{ type: 'PodReadyToStartContainers', status: 'False' }] },
    is: ['Pending', true, false],
    condition: /^Running Training: ps 1\/1, workers 1\/2$/,
    fate: 'starts',
  },
  {
    what: 'evicted before any container started',
    status: { phase: 'Failed', reason: 'Evicted', message: 'The node was low on resource: memory.' },
    is: ['Failed', true, false],
    condition: /^Degraded .*worker-0: Evicted: The node was low on resource: memory.$/,
    fate: 'disrupted',
  },
  {
    what: 'evicted, with empty statuses',
    status: { phase: 'Failed', reason: 'Evicted', containerStatuses: [], initContainerStatuses: [] },
    is: ['Failed', true, false],
    condition: /^Degraded .*worker-0: Evicted$/,
    fate: 'disrupted',
  },
  {
    what: 'the worker was killed for memory, a proxy runs',
    status: {
      phase: 'Running',
      containerStatuses: [
        proxy,
        container('worker', { terminated: { ...ended(137).terminated, reason: 'OOMKilled' } }),
      ],
    },
    is: ['Failed', false, true],
    condition: /^Degraded .*worker-0: OOMKilled \(exit 137\)$/,
    fate: 'failedBeside',
  },
  {
    what: 'preempted, which ended the worker',
    status: {
      phase: 'Failed',
      conditions: [preempted(-1)],
      containerStatuses: [proxy, container('worker', ended(143))],
    },
    is: ['Failed', false, false],
    condition: /^Degraded .*worker-0: PreemptionByScheduler$/,
    fate: 'disrupted',
  },
  {
    what: 'preempted after the worker had ended by itself beside a proxy',
    status: {
      phase: 'Failed',
      reason: 'Evicted',
      conditions: [preempted(5)],
      containerStatuses: [proxy, container('worker', badData)],
    },
    is: ['Failed', false, false],
    condition: /^Failed BAD_DATA/,
    fate: 'spoilt',
  },
  {
    what: 'the control plane has lost the node: the last status of the kubelet is outdated',
    status: { phase: 'Unknown', reason: 'NodeLost', containerStatuses: [proxy, container('worker', running)] },
    is: ['Unknown', true, false],
    condition: /^Degraded .*lost: worker-0/,
    fate: 'silent',
  },
  {
    what: 'only injected containers have a status yet',
    status: { phase: 'Pending', containerStatuses: [container('istio-proxy', waiting('ContainerCreating'))] },
    is: ['Pending', true, false],
    condition: /^Running Training: ps 1\/1, workers 1\/2$/,
    fate: 'starts',
  },
  {
    what: 'the worker succeeded, the kubelet has not yet reported the end of the pod',
    status: { phase: 'Running', containerStatuses: [container('worker', ended(0))] },
    is: ['Succeeded', false, true],
    condition: /^Running Training/,
    fate: 'doneEarly',
  },
  {
    what: 'the worker succeeded, the kubelet is ending a native sidecar',
    status: {
      phase: 'Running',
      initContainerStatuses: [proxy],
      containerStatuses: [container('worker', ended(0))],
    },
    is: ['Succeeded', false, true],
    condition: /^Running Training/,
    fate: 'doneEarly',
  },
  {
    what: 'the worker succeeded, and the image of a classic sidecar cannot be pulled: the pod would wait forever',
    status: {
      phase: 'Pending',
      containerStatuses: [container('istio-proxy', waiting('ImagePullBackOff')), container('worker', ended(0))],
    },
    is: ['Succeeded', false, true],
    condition: /^Running Training/,
    fate: 'doneBeside',
  },
  {
    what: 'killed without a termination message, and not for memory',
    status: { phase: 'Failed', containerStatuses: [container('worker', ended(137))] },
    is: ['Failed', false, false],
    condition: /^Degraded .*worker-0: ended without a message \(exit 137\)$/,
    fate: 'failed',
  },
  {
    what: 'the program cannot be started: containerd reports a start in 1970, which is not a long healthy run',
    status: {
      phase: 'Failed',
      containerStatuses: [
        container('worker', {
          terminated: {
            exitCode: 128,
            reason: 'StartError',
            message: 'failed to create containerd task: exec: "/nothing": no such file or directory: unknown',
            startedAt: '1970-01-01T00:00:00Z',
            finishedAt: isoAgo(20),
          },
        }),
      ],
    },
    is: ['Failed', false, false],
    condition: /^Degraded .*worker-0: StartError: failed to create containerd task: .*: unknown \(exit 128\)$/,
    fate: 'failed',
  },
  {
    what: 'the kubelet cannot find the container that it had started: how it ended is unknown',
    status: {
      phase: 'Failed',
      containerStatuses: [container('worker', UNKNOWN_END), container('istio-proxy', UNKNOWN_END)],
    },
    is: ['Failed', false, false],
    condition: /^Degraded .*worker-0: ContainerStatusUnknown: The container could not be located$/,
    fate: 'disrupted',
  },
  {
    what: 'the node was restarted',
    status: { phase: 'Failed', containerStatuses: [container('worker', oddEnd(255, 'Unknown'))] },
    is: ['Failed', false, false],
    condition: /^Degraded .*worker-0: Unknown$/,
    fate: 'disrupted',
  },
  {
    what: 'the node was restarted while an init container and a native sidecar ran',
    status: {
      phase: 'Failed',
      initContainerStatuses: [container('istio-proxy', UNKNOWN_END), container('prepare', UNKNOWN_END)],
      containerStatuses: [container('worker', waiting('PodInitializing'))],
    },
    is: ['Failed', false, false],
    condition: /^Degraded .*worker-0: ContainerStatusUnknown$/,
    fate: 'disrupted',
  },
  {
    what: 'an init container failed, and how the native sidecar before it ended is unknown',
    status: {
      phase: 'Failed',
      initContainerStatuses: [container('istio-proxy', UNKNOWN_END), container('prepare', ended(3, 'no such table'))],
      containerStatuses: [container('worker', waiting('PodInitializing'))],
    },
    is: ['Failed', false, false],
    condition: /worker-0: init container "prepare": no such table \(exit 3\)$/,
    fate: 'failed',
  },
  {
    what: 'init container that was killed for memory',
    status: {
      phase: 'Failed',
      initContainerStatuses: [container('prepare', oddEnd(137, 'OOMKilled'))],
      containerStatuses: [container('worker', waiting('PodInitializing'))],
    },
    is: ['Failed', false, false],
    condition: /worker-0: init container "prepare": ended with reason OOMKilled \(exit 137\)$/,
    fate: 'failed',
  },
  {
    what: 'a spot node was shut down with notice',
    status: {
      phase: 'Failed',
      reason: 'Terminated',
      message: 'Pod was terminated in response to imminent node shutdown.',
      containerStatuses: [container('worker', ended(143)), container('istio-proxy', ended(0))],
    },
    is: ['Failed', false, false],
    condition: /^Degraded .*worker-0: Terminated: Pod was terminated in response to imminent node shutdown.$/,
    fate: 'disrupted',
  },
  {
    what: 'the node was deleted: the last status shows running containers',
    status: {
      phase: 'Failed',
      conditions: [{ ...preempted(0), reason: 'DeletionByPodGC', message: 'PodGC: node no longer exists' }],
      containerStatuses: [proxy, container('worker', running)],
    },
    is: ['Failed', true, false],
    condition: /^Degraded .*worker-0: DeletionByPodGC: PodGC: node no longer exists$/,
    fate: 'disrupted',
  },
  {
    what: 'evicted and killed because it filled its disk',
    status: {
      phase: 'Failed',
      reason: 'Evicted',
      message: 'Container worker exceeded its local ephemeral storage limit "1Gi".',
      containerStatuses: [container('worker', ended(137))],
    },
    is: ['Failed', false, false],
    condition: /^Degraded .*worker-0: Evicted: Container worker exceeded its local ephemeral storage limit "1Gi".$/,
    fate: 'disrupted',
  },
  {
    what: 'the worker was killed for memory, and the pod was evicted later',
    status: {
      phase: 'Failed',
      reason: 'Evicted',
      message: 'The node was low on resource: memory.',
      conditions: [preempted(5)],
      containerStatuses: [container('worker', oddEnd(137, 'OOMKilled'))],
    },
    is: ['Failed', false, false],
    condition: /^Degraded .*worker-0: OOMKilled \(exit 137\)$/,
    fate: 'failed',
  },
  {
    what: 'rejected by a kubelet that has no device left',
    status: { phase: 'Failed', reason: 'OutOfnvidia.com/gpu', message: 'Pod was rejected' },
    is: ['Failed', true, false],
    condition: /^Degraded .*worker-0: OutOfnvidia.com\/gpu: Pod was rejected$/,
    fate: 'disrupted',
  },
  {
    what: 'rejected for an AppArmor profile that the node lacks: another node may lack it too',
    status: { phase: 'Failed', reason: 'AppArmor', message: 'Cannot enforce AppArmor: profile not loaded' },
    is: ['Failed', true, false],
    condition: /^Degraded .*worker-0: AppArmor: Cannot enforce AppArmor: profile not loaded$/,
    fate: 'failed',
  },
  {
    what: 'ended by a deadline that a policy of the cluster set',
    spec: { nodeName: 'node-1', activeDeadlineSeconds: 30 },
    status: {
      phase: 'Failed',
      reason: 'DeadlineExceeded',
      message: 'Pod was active on the node longer than the specified deadline',
      containerStatuses: [container('istio-proxy', ended(0)), container('worker', ended(137))],
    },
    is: ['Failed', false, false],
    condition:
      /worker-0: DeadlineExceeded: Pod was active on the node longer than the specified deadline \(exit 137\)$/,
    fate: 'failed',
  },
  {
    what: 'a deadline that a policy of the cluster set ended an init container',
    spec: { nodeName: 'node-1', activeDeadlineSeconds: 30 },
    status: {
      phase: 'Failed',
      reason: 'DeadlineExceeded',
      message: 'Pod was active on the node longer than the specified deadline',
      initContainerStatuses: [container('prepare', ended(143))],
      containerStatuses: [container('worker', waiting('PodInitializing'))],
    },
    is: ['Failed', false, false],
    condition: /worker-0: DeadlineExceeded: Pod was active on the node longer than the specified deadline$/,
    fate: 'failed',
  },
  {
    what: 'a deadline that a policy of the cluster set ended a proxy after the worker had failed',
    spec: { nodeName: 'node-1', activeDeadlineSeconds: 50 },
    status: {
      phase: 'Failed',
      reason: 'DeadlineExceeded',
      containerStatuses: [container('istio-proxy', ended(137)), container('worker', ended(1, 'torn'))],
    },
    is: ['Failed', false, false],
    condition: /^Degraded .*worker-0: torn \(exit 1\)$/,
    fate: 'failed',
  },
  {
    what: 'the worker succeeded under a deadline of the cluster: the operator still ends the sidecars',
    spec: { nodeName: 'node-1', activeDeadlineSeconds: 86_400 },
    status: { phase: 'Running', containerStatuses: [proxy, container('worker', ended(0))] },
    is: ['Succeeded', false, true],
    condition: /^Running Training/,
    fate: 'doneBeside',
  },
  ...['CreateContainerConfigError', 'InvalidImageName', 'ErrImageNeverPull', 'RunContainerError'].flatMap((reason) => [
    {
      what: `the worker waits: ${reason}`,
      status: { phase: 'Pending', containerStatuses: [proxy, container('worker', waiting(reason, 'so it is'))] },
      is: ['Pending', false, false] as Row['is'],
      condition: new RegExp(`^Running Training: .*worker-0: ${reason}: so it is$`),
      fate: 'starts' as const,
    },
    {
      what: `an init container waits: ${reason}`,
      status: {
        phase: 'Pending',
        initContainerStatuses: [container('vault-agent-init', waiting(reason, 'so it is'))],
        containerStatuses: [container('worker', waiting('PodInitializing'))],
      },
      is: ['Pending', false, false] as Row['is'],
      condition: new RegExp(`^Running Training: .*worker-0: ${reason}: init container "vault-agent-init": so it is$`),
      fate: 'starts' as const,
    },
  ]),
  {
    what: 'a native sidecar is restarted again and again, the worker runs',
    status: {
      phase: 'Running',
      initContainerStatuses: [container('istio-proxy', waiting('CrashLoopBackOff'), { lastState: ended(1, 'no xds') })],
      containerStatuses: [container('worker', running)],
    },
    is: ['Running', true, false],
    condition: /worker-0: CrashLoopBackOff: init container "istio-proxy": ended with exit code 1: no xds$/,
    fate: 'works',
  },
  {
    what: 'a restarted kubelet reports only how the worker ended before',
    status: {
      phase: 'Running',
      containerStatuses: [proxy, { name: 'worker', ready: false, state: {}, lastState: ended(1) }],
    },
    is: ['Running', false, false],
    condition: /^Running Training: ps 1\/1, workers 2\/2$/,
    fate: 'works',
  },
]
