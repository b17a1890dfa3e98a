/** Recognises pods that the cluster ended. They never count as failures of the program. */
import { conditionOf, type RawPod, type Terminated, timeMs } from './raw-pod.ts'

/** Reasons of pods that were removed from their node or refused by its kubelet; a new pod may find another node. */
const OF_PODS: ReadonlySet<string> = new Set([
  'Evicted',
  'Preempting',
  'Preempted',
  'NodeLost',
  'NodeShutdown',
  'Shutdown',
  'Terminated',
  'NodeAffinity',
  'NodeName',
  'NodePorts',
  'NodeUnschedulable',
  'TaintToleration',
  'InvalidNodeInfo',
  'UnexpectedAdmissionError',
  'TopologyAffinityError',
  'SMTAlignmentError',
  'VolumeAttachmentLimitExceeded',
])
/** `OutOfcpu`, `OutOfnvidia.com/gpu`: the kubelet knew less free capacity than the scheduler. */
const OUT_OF_RESOURCE = 'OutOf'
/** Reasons of containers whose exit code was lost in a restart of the node. */
const LOST_EXIT_CODE: ReadonlySet<string> = new Set(['ContainerStatusUnknown', 'Unknown'])

/** @param end of the container that ended the pod. A disruption after it does not count: the program ended by itself */
export function disruptionOf(pod: RawPod, end: Terminated | undefined): string | undefined {
  const ofPod = disruptionOfPod(pod, timeMs(end?.finishedAt))
  return ofPod ?? (end?.reason !== undefined && LOST_EXIT_CODE.has(end.reason) ? end.reason : undefined)
}

function disruptionOfPod(pod: RawPod, endedAtMs: number | undefined): string | undefined {
  const target = conditionOf(pod, 'DisruptionTarget')
  const happenedAfterEnd = endedAtMs !== undefined && (timeMs(target?.lastTransitionTime) ?? 0) > endedAtMs
  if (target?.status === 'True') return happenedAfterEnd ? undefined : target.reason || 'Disrupted'
  const { reason } = pod.status ?? {}
  return reason !== undefined && (OF_PODS.has(reason) || reason.startsWith(OUT_OF_RESOURCE)) ? reason : undefined
}
