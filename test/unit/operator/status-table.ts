/** A worker's pod in the states that kubelets, webhooks and control planes leave it in, and what becomes of each. */
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
  /** phase, ready, whether others outlive it */
  is: [PodFacts['phase'], boolean, boolean]
  /** What the job says of it: condition Failed, else Degraded, else Running. */
  says: RegExp
  fate: Fate
  /** Of the pod, besides its status. */
  spec?: RawPod['spec']
}

/** `…Beside`: others go on in the pod. `…Early`: the kubelet has not yet said that the pod has ended, or ends the rest. */
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

/** Reasons of the kubelet's own, without the times that it does not know. */
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
    what: 'classic sidecar first, ended well: the exit code of ours counts',
    status: SIDECAR_FIRST,
    is: ['Failed', false, false],
    says: /^Failed BAD_DATA: worker-0: x.tfrecord at byte 0: data CRC does not match \(exit 11\)$/,
    fate: 'spoilt',
  },
  {
    what: 'init container that failed',
    status: INIT_FAILED,
    is: ['Failed', false, false],
    says: /^Degraded .*worker-0: init container "istio-init": iptables: permission denied \(exit 255\)/,
    fate: 'failed',
  },
  {
    what: 'classic sidecar first, ours ended with bad data, the proxy lives',
    status: { phase: 'Running', containerStatuses: [proxy, container('worker', badData)] },
    is: ['Failed', false, true],
    says: /^Failed BAD_DATA/,
    fate: 'spoiltBeside',
  },
  {
    what: 'classic sidecar last, the same',
    status: { phase: 'Running', containerStatuses: [container('worker', badData), proxy] },
    is: ['Failed', false, true],
    says: /^Failed BAD_DATA/,
    fate: 'spoiltBeside',
  },
  {
    what: 'native sidecar that lives: an init container for the API server',
    status: {
      phase: 'Running',
      initContainerStatuses: [container('istio-init', ended(0)), proxy],
      containerStatuses: [container('worker', ended(137, 'killed'))],
    },
    is: ['Failed', false, true],
    says: /^Degraded .*worker-0: killed \(exit 137\)/,
    fate: 'failedEarly',
  },
  {
    what: 'two injected, one ended, one lives',
    status: {
      phase: 'Running',
      containerStatuses: [container('vault-agent', ended(0)), container('worker', ended(0)), proxy],
    },
    is: ['Succeeded', false, true],
    says: /^Running Training/,
    fate: 'doneBeside',
  },
  {
    what: 'a sidecar that failed after ours ended well: the phase of the pod is Failed',
    status: { phase: 'Failed', containerStatuses: [container('worker', ended(0)), container('istio-proxy', ended(1))] },
    is: ['Succeeded', false, false],
    says: /^Running Training/,
    fate: 'done',
  },
  {
    what: 'sidecars ended by the deadline that we set: ours had ended before',
    spec: { nodeName: 'node-1', activeDeadlineSeconds: 1 },
    status: {
      phase: 'Failed',
      reason: 'DeadlineExceeded',
      message: 'Pod was active on the node longer than the specified deadline',
      containerStatuses: [container('istio-proxy', ended(137)), container('worker', ended(1, 'torn'))],
    },
    is: ['Failed', false, false],
    says: /^Degraded .*worker-0: torn \(exit 1\)$/,
    fate: 'failed',
  },
  {
    what: 'two injected, all run, the proxy is not ready: ours is',
    status: {
      phase: 'Running',
      conditions: notReady,
      containerStatuses: [{ ...proxy, ready: false }, container('vault-agent', running), container('worker', running)],
    },
    is: ['Running', true, false],
    says: /^Running Training: ps 1\/1, workers 2\/2$/,
    fate: 'works',
  },
  {
    what: 'all run, ours is not ready',
    status: {
      phase: 'Running',
      conditions: notReady,
      containerStatuses: [proxy, container('worker', running, { ready: false })],
    },
    is: ['Running', false, false],
    says: /^Running Training/,
    fate: 'works',
  },
  {
    what: 'the image of a classic sidecar cannot be pulled: the pod is Pending, ours runs',
    status: {
      phase: 'Pending',
      conditions: notReady,
      containerStatuses: [
        container('istio-proxy', waiting('ImagePullBackOff', 'Back-off pulling image "proxy:9"')),
        container('worker', running),
      ],
    },
    is: ['Running', true, false],
    says: /^Running Training: .*worker-0: ImagePullBackOff: container "istio-proxy": Back-off pulling image "proxy:9"$/,
    fate: 'works',
  },
  {
    what: 'a classic sidecar has crashed, ours runs',
    status: {
      phase: 'Running',
      containerStatuses: [container('istio-proxy', ended(2, 'no certificate')), container('worker', running)],
    },
    is: ['Running', true, false],
    says: /^Running Training: .*worker-0: Error: container "istio-proxy": ended with exit code 2: no certificate$/,
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
    says: /^Running Training: .*worker-0: ImagePullBackOff: init container "istio-init": Back-off pulling image "init:9"$/,
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
    says: /CrashLoopBackOff: init container "istio-proxy": back-off 40s .*ended with exit code 255: iptables: permission denied$/,
    fate: 'starts',
  },
  {
    what: 'init container at work: an ordinary step',
    status: {
      phase: 'Pending',
      initContainerStatuses: [container('istio-init', running)],
      containerStatuses: [container('worker', waiting('PodInitializing'))],
    },
    is: ['Pending', false, false],
    says: /^Running Training: ps 1\/1, workers 1\/2$/,
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
    says: /worker-0: init container "prepare": no such table \(exit 3\)$/,
    fate: 'failed',
  },
  {
    what: 'an init container that ends with a code of ours does not speak for us',
    status: {
      phase: 'Failed',
      initContainerStatuses: [container('check', ended(11))],
      containerStatuses: [container('worker', waiting('PodInitializing'))],
    },
    is: ['Failed', false, false],
    says: /^Degraded .*worker-0: init container "check": ended with reason Error \(exit 11\)$/,
    fate: 'failed',
  },
  {
    what: 'ephemeral container of somebody who looked: it counts for nothing',
    status: {
      phase: 'Running',
      containerStatuses: [container('worker', running)],
      ephemeralContainerStatuses: [container('debugger', ended(1))],
    } as Status,
    is: ['Running', true, false],
    says: /^Running Training: ps 1\/1, workers 2\/2$/,
    fate: 'works',
  },
  {
    what: 'no containerStatuses yet, the sandbox is being made',
    status: { phase: 'Pending', conditions: [{ type: 'PodReadyToStartContainers', status: 'False' }] },
    is: ['Pending', true, false],
    says: /^Running Training: ps 1\/1, workers 1\/2$/,
    fate: 'starts',
  },
  {
    what: 'evicted before any container began',
    status: { phase: 'Failed', reason: 'Evicted', message: 'The node was low on resource: memory.' },
    is: ['Failed', true, false],
    says: /^Degraded .*worker-0: Evicted: The node was low on resource: memory.$/,
    fate: 'disrupted',
  },
  {
    what: 'evicted, with empty statuses',
    status: { phase: 'Failed', reason: 'Evicted', containerStatuses: [], initContainerStatuses: [] },
    is: ['Failed', true, false],
    says: /^Degraded .*worker-0: Evicted$/,
    fate: 'disrupted',
  },
  {
    what: 'killed for memory beside a proxy',
    status: {
      phase: 'Running',
      containerStatuses: [
        proxy,
        container('worker', { terminated: { ...ended(137).terminated, reason: 'OOMKilled' } }),
      ],
    },
    is: ['Failed', false, true],
    says: /^Degraded .*worker-0: OOMKilled \(exit 137\)$/,
    fate: 'failedBeside',
  },
  {
    what: 'disrupted, ours ended by it',
    status: {
      phase: 'Failed',
      conditions: [preempted(-1)],
      containerStatuses: [proxy, container('worker', ended(143))],
    },
    is: ['Failed', false, false],
    says: /^Degraded .*worker-0: PreemptionByScheduler$/,
    fate: 'disrupted',
  },
  {
    what: 'disrupted after ours had ended by itself beside a proxy',
    status: {
      phase: 'Failed',
      reason: 'Evicted',
      conditions: [preempted(5)],
      containerStatuses: [proxy, container('worker', badData)],
    },
    is: ['Failed', false, false],
    says: /^Failed BAD_DATA/,
    fate: 'spoilt',
  },
  {
    what: 'the control plane has lost the node: what the kubelet said last is not now',
    status: { phase: 'Unknown', reason: 'NodeLost', containerStatuses: [proxy, container('worker', running)] },
    is: ['Unknown', true, false],
    says: /^Degraded .*lost: worker-0/,
    fate: 'silent',
  },
  {
    what: 'only containers that are not ours are known yet',
    status: { phase: 'Pending', containerStatuses: [container('istio-proxy', waiting('ContainerCreating'))] },
    is: ['Pending', true, false],
    says: /^Running Training: ps 1\/1, workers 1\/2$/,
    fate: 'starts',
  },
  {
    what: 'ours ended well, the kubelet has not yet said that the pod has',
    status: { phase: 'Running', containerStatuses: [container('worker', ended(0))] },
    is: ['Succeeded', false, true],
    says: /^Running Training/,
    fate: 'doneEarly',
  },
  {
    what: 'ours ended well, the kubelet is ending a native sidecar',
    status: {
      phase: 'Running',
      initContainerStatuses: [proxy],
      containerStatuses: [container('worker', ended(0))],
    },
    is: ['Succeeded', false, true],
    says: /^Running Training/,
    fate: 'doneEarly',
  },
  {
    what: 'ours ended, and the image of a classic sidecar cannot be pulled: the pod would wait for ever',
    status: {
      phase: 'Pending',
      containerStatuses: [container('istio-proxy', waiting('ImagePullBackOff')), container('worker', ended(0))],
    },
    is: ['Succeeded', false, true],
    says: /^Running Training/,
    fate: 'doneBeside',
  },
  {
    what: 'killed without a message, and not for its memory',
    status: { phase: 'Failed', containerStatuses: [container('worker', ended(137))] },
    is: ['Failed', false, false],
    says: /^Degraded .*worker-0: ended without a message \(exit 137\)$/,
    fate: 'failed',
  },
  {
    what: 'its program cannot be started: for containerd it began in 1970, and has not run well since',
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
    says: /^Degraded .*worker-0: StartError: failed to create containerd task: .*: unknown \(exit 128\)$/,
    fate: 'failed',
  },
  {
    what: 'the kubelet cannot find the container that it had started: nobody knows how it ended',
    status: {
      phase: 'Failed',
      containerStatuses: [container('worker', UNKNOWN_END), container('istio-proxy', UNKNOWN_END)],
    },
    is: ['Failed', false, false],
    says: /^Degraded .*worker-0: ContainerStatusUnknown: The container could not be located$/,
    fate: 'disrupted',
  },
  {
    what: 'the node was restarted under it',
    status: { phase: 'Failed', containerStatuses: [container('worker', oddEnd(255, 'Unknown'))] },
    is: ['Failed', false, false],
    says: /^Degraded .*worker-0: Unknown$/,
    fate: 'disrupted',
  },
  {
    what: 'the node was restarted under an init container; a native sidecar was lost with it',
    status: {
      phase: 'Failed',
      initContainerStatuses: [container('istio-proxy', UNKNOWN_END), container('prepare', UNKNOWN_END)],
      containerStatuses: [container('worker', waiting('PodInitializing'))],
    },
    is: ['Failed', false, false],
    says: /^Degraded .*worker-0: ContainerStatusUnknown$/,
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
    says: /worker-0: init container "prepare": no such table \(exit 3\)$/,
    fate: 'failed',
  },
  {
    what: 'init container killed for its memory',
    status: {
      phase: 'Failed',
      initContainerStatuses: [container('prepare', oddEnd(137, 'OOMKilled'))],
      containerStatuses: [container('worker', waiting('PodInitializing'))],
    },
    is: ['Failed', false, false],
    says: /worker-0: init container "prepare": ended with reason OOMKilled \(exit 137\)$/,
    fate: 'failed',
  },
  {
    what: 'a spot node was taken away, with notice',
    status: {
      phase: 'Failed',
      reason: 'Terminated',
      message: 'Pod was terminated in response to imminent node shutdown.',
      containerStatuses: [container('worker', ended(143)), container('istio-proxy', ended(0))],
    },
    is: ['Failed', false, false],
    says: /^Degraded .*worker-0: Terminated: Pod was terminated in response to imminent node shutdown.$/,
    fate: 'disrupted',
  },
  {
    what: 'its node was deleted: containers run on as far as anybody has heard',
    status: {
      phase: 'Failed',
      conditions: [{ ...preempted(0), reason: 'DeletionByPodGC', message: 'PodGC: node no longer exists' }],
      containerStatuses: [proxy, container('worker', running)],
    },
    is: ['Failed', true, false],
    says: /^Degraded .*worker-0: DeletionByPodGC: PodGC: node no longer exists$/,
    fate: 'disrupted',
  },
  {
    what: 'evicted for the disk that it filled, and killed by that',
    status: {
      phase: 'Failed',
      reason: 'Evicted',
      message: 'Container worker exceeded its local ephemeral storage limit "1Gi".',
      containerStatuses: [container('worker', ended(137))],
    },
    is: ['Failed', false, false],
    says: /^Degraded .*worker-0: Evicted: Container worker exceeded its local ephemeral storage limit "1Gi".$/,
    fate: 'disrupted',
  },
  {
    what: 'killed for its memory, and evicted with its proxy later',
    status: {
      phase: 'Failed',
      reason: 'Evicted',
      message: 'The node was low on resource: memory.',
      conditions: [preempted(5)],
      containerStatuses: [container('worker', oddEnd(137, 'OOMKilled'))],
    },
    is: ['Failed', false, false],
    says: /^Degraded .*worker-0: OOMKilled \(exit 137\)$/,
    fate: 'failed',
  },
  {
    what: 'refused by a kubelet that has no device left',
    status: { phase: 'Failed', reason: 'OutOfnvidia.com/gpu', message: 'Pod was rejected' },
    is: ['Failed', true, false],
    says: /^Degraded .*worker-0: OutOfnvidia.com\/gpu: Pod was rejected$/,
    fate: 'disrupted',
  },
  {
    what: 'refused for a profile that its node lacks: another node may lack it too',
    status: { phase: 'Failed', reason: 'AppArmor', message: 'Cannot enforce AppArmor: profile not loaded' },
    is: ['Failed', true, false],
    says: /^Degraded .*worker-0: AppArmor: Cannot enforce AppArmor: profile not loaded$/,
    fate: 'failed',
  },
  {
    what: 'ended by a deadline that a policy of the cluster has put on it',
    spec: { nodeName: 'node-1', activeDeadlineSeconds: 30 },
    status: {
      phase: 'Failed',
      reason: 'DeadlineExceeded',
      message: 'Pod was active on the node longer than the specified deadline',
      containerStatuses: [container('istio-proxy', ended(0)), container('worker', ended(137))],
    },
    is: ['Failed', false, false],
    says: /worker-0: DeadlineExceeded: Pod was active on the node longer than the specified deadline \(exit 137\)$/,
    fate: 'failed',
  },
  {
    what: 'that deadline has ended an init container',
    spec: { nodeName: 'node-1', activeDeadlineSeconds: 30 },
    status: {
      phase: 'Failed',
      reason: 'DeadlineExceeded',
      message: 'Pod was active on the node longer than the specified deadline',
      initContainerStatuses: [container('prepare', ended(143))],
      containerStatuses: [container('worker', waiting('PodInitializing'))],
    },
    is: ['Failed', false, false],
    says: /worker-0: DeadlineExceeded: Pod was active on the node longer than the specified deadline$/,
    fate: 'failed',
  },
  {
    what: 'that deadline came when ours had ended, and ended a proxy',
    spec: { nodeName: 'node-1', activeDeadlineSeconds: 50 },
    status: {
      phase: 'Failed',
      reason: 'DeadlineExceeded',
      containerStatuses: [container('istio-proxy', ended(137)), container('worker', ended(1, 'torn'))],
    },
    is: ['Failed', false, false],
    says: /^Degraded .*worker-0: torn \(exit 1\)$/,
    fate: 'failed',
  },
  {
    what: 'such a deadline is not ours: sidecars are ended all the same',
    spec: { nodeName: 'node-1', activeDeadlineSeconds: 86_400 },
    status: { phase: 'Running', containerStatuses: [proxy, container('worker', ended(0))] },
    is: ['Succeeded', false, true],
    says: /^Running Training/,
    fate: 'doneBeside',
  },
  ...['CreateContainerConfigError', 'InvalidImageName', 'ErrImageNeverPull', 'RunContainerError'].flatMap((reason) => [
    {
      what: `ours waits: ${reason}`,
      status: { phase: 'Pending', containerStatuses: [proxy, container('worker', waiting(reason, 'so it is'))] },
      is: ['Pending', false, false] as Row['is'],
      says: new RegExp(`^Running Training: .*worker-0: ${reason}: so it is$`),
      fate: 'starts' as const,
    },
    {
      what: `init container waits: ${reason}`,
      status: {
        phase: 'Pending',
        initContainerStatuses: [container('vault-agent-init', waiting(reason, 'so it is'))],
        containerStatuses: [container('worker', waiting('PodInitializing'))],
      },
      is: ['Pending', false, false] as Row['is'],
      says: new RegExp(`^Running Training: .*worker-0: ${reason}: init container "vault-agent-init": so it is$`),
      fate: 'starts' as const,
    },
  ]),
  {
    what: 'a native sidecar is restarted again and again, ours runs',
    status: {
      phase: 'Running',
      initContainerStatuses: [container('istio-proxy', waiting('CrashLoopBackOff'), { lastState: ended(1, 'no xds') })],
      containerStatuses: [container('worker', running)],
    },
    is: ['Running', true, false],
    says: /worker-0: CrashLoopBackOff: init container "istio-proxy": ended with exit code 1: no xds$/,
    fate: 'works',
  },
  {
    what: 'a kubelet that was just started knows only how ours ended before',
    status: {
      phase: 'Running',
      containerStatuses: [proxy, { name: 'worker', ready: false, state: {}, lastState: ended(1) }],
    },
    is: ['Running', false, false],
    says: /^Running Training: ps 1\/1, workers 2\/2$/,
    fate: 'works',
  },
]
