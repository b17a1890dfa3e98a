/** Ends of pods that are the cluster's doing: no failure of the program, and never counted as one. */
import { conditionOf, type RawPod, type Terminated, timeMs } from './raw-pod.ts'

/** Of pods: taken from a node, or refused by the kubelet of a node that another pod may find as it should be. */
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
/** `OutOfcpu`, `OutOfnvidia.com/gpu`: the scheduler did not know what the kubelet knows. */
const OUT_OF_RESOURCE = 'OutOf'
/** Of containers: after a restart of the node, nobody knows how they ended. */
const FORGOTTEN: ReadonlySet<string> = new Set(['ContainerStatusUnknown', 'Unknown'])

/** @param end of the container by which the pod ended. What came after the program had ended by itself did not end it */
export function disruptionOf(pod: RawPod, end: Terminated | undefined): string | undefined {
  const ofPod = disruptionOfPod(pod, timeMs(end?.finishedAt))
  return ofPod ?? (end?.reason !== undefined && FORGOTTEN.has(end.reason) ? end.reason : undefined)
}

function disruptionOfPod(pod: RawPod, endedAtMs: number | undefined): string | undefined {
  const target = conditionOf(pod, 'DisruptionTarget')
  const cameLater = endedAtMs !== undefined && (timeMs(target?.lastTransitionTime) ?? 0) > endedAtMs
  if (target?.status === 'True') return cameLater ? undefined : target.reason || 'Disrupted'
  const { reason } = pod.status ?? {}
  return reason !== undefined && (OF_PODS.has(reason) || reason.startsWith(OUT_OF_RESOURCE)) ? reason : undefined
}
