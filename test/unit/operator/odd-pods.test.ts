/** Pod statuses that no kubelet writes, but virtual kubelets, people with `kubectl patch`, and wrong clocks do. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Role } from '../../../src/contract/names.ts'
import { decide } from '../../../src/operator/decide.ts'
import { isStartingNormally, podFacts } from '../../../src/operator/pod-facts.ts'
import { type RawPod, trimPod } from '../../../src/operator/raw-pod.ts'
import { NOW, observed, pretrainJob } from './builders.ts'
import { rawPod } from './pod-statuses.ts'

const oneOf = <T>(...values: T[]) => fc.constantFrom(...values)
/** The value, or sometimes null or undefined. */
const perhaps = <T>(value: fc.Arbitrary<T>) =>
  fc.oneof({ weight: 6, arbitrary: value }, { weight: 1, arbitrary: oneOf(null, undefined) })

const text = perhaps(oneOf('', 'said so', '{"code":"BAD_DATA"}', '{}'))
const time = perhaps(oneOf('2026-01-02T03:04:00Z', '2026-01-02T03:03:00Z', 'soon', ''))
const terminated = fc.record({
  exitCode: perhaps(oneOf(0, 1, 11, 137, 255)),
  reason: perhaps(oneOf('Error', 'OOMKilled', 'Completed', 'ContainerStatusUnknown')),
  message: text,
  startedAt: time,
  finishedAt: time,
})
const reason = perhaps(oneOf('ImagePullBackOff', 'PodInitializing', 'CrashLoopBackOff'))
const state = perhaps(
  fc.oneof(
    fc.record({ terminated: perhaps(terminated) }),
    fc.record({ waiting: perhaps(fc.record({ reason, message: text })) }),
    fc.record({ running: perhaps(fc.record({ startedAt: time })) }),
    fc.constant({}),
  ),
)
const containers = (...names: string[]) => {
  const one = fc.record({ name: oneOf(...names), ready: perhaps(fc.boolean()), state, lastState: state })
  return perhaps(fc.array(one, { maxLength: 4 }))
}
const condition = fc.record({
  type: oneOf('Ready', 'PodScheduled', 'DisruptionTarget', 'Initialized'),
  status: oneOf('True', 'False', 'Unknown'),
  reason: perhaps(oneOf('SchedulingGated', 'Unschedulable', 'ContainersNotReady', 'PreemptionByScheduler')),
  message: text,
  lastTransitionTime: time,
})
const status = fc.record({
  phase: perhaps(oneOf('Pending', 'Running', 'Succeeded', 'Failed', 'Unknown', 'Odd')),
  reason: perhaps(oneOf('Evicted', 'DeadlineExceeded', 'OutOfcpu', 'Terminated')),
  message: text,
  podIP: perhaps(oneOf('10.0.0.1')),
  startTime: time,
  conditions: perhaps(fc.array(condition, { maxLength: 4 })),
  initContainerStatuses: containers('init', 'proxy'),
  containerStatuses: containers('worker', 'ps', 'evaluator', 'proxy'),
})
const spec = fc.record({
  nodeName: perhaps(oneOf('node-1')),
  schedulingGates: perhaps(oneOf([], [{ name: 'gate' }])),
  activeDeadlineSeconds: perhaps(oneOf(1, 60)),
})
const metadata = fc.record({
  deletionTimestamp: perhaps(oneOf('2026-01-02T03:03:00Z', '2026-01-02T03:09:00Z')),
  finalizers: perhaps(oneOf([], ['kueue.x-k8s.io/managed'], ['backup/copy'])),
})
const podOf = (role: Role, index: number) =>
  fc.tuple(perhaps(status), perhaps(spec), metadata).map(([status, spec, more]) => {
    const pod = rawPod(role, index, {})
    return { ...pod, status, spec, metadata: { ...pod.metadata, ...more } } as RawPod
  })
const pods = fc.tuple(podOf('ps', 0), podOf('worker', 0), podOf('worker', 1), podOf('evaluator', 0))
const jobSpec = oneOf(
  {},
  { suspend: true },
  { failurePolicy: { lostNodeSeconds: 10 } },
  { backoffLimit: 1 },
  { scheduling: { queueName: 'team-a' } },
)

function readAll(raw: readonly RawPod[]) {
  return raw.map(trimPod).flatMap((pod) => {
    isStartingNormally(pod)
    return podFacts(pod) ?? []
  })
}

test('odd pods are read without an error, get at most one action each, and lead to a stable status', () => {
  fc.assert(
    fc.property(pods, jobSpec, (raw, spec) => {
      const world = observed(readAll(raw), { desired: { ps: 1, worker: 2, evaluator: 1 } })
      let before: ReturnType<typeof decide>['status'] | undefined
      for (let round = 0; round < 8; round++) {
        const { actions, status } = decide(pretrainJob({ spec, status: before }), world, NOW)
        const uids = actions.flatMap((action) => (action.type !== 'releasePod' && 'uid' in action ? [action.uid] : []))
        assert.equal(new Set(uids).size, uids.length, JSON.stringify(actions))
        assert.doesNotMatch(JSON.stringify(status), /undefined|null|NaN|Invalid Date|\[object/)
        if (JSON.stringify(status) === JSON.stringify(before)) return
        before = status
      }
      assert.fail('the status changes with every decision')
    }),
    { numRuns: 3000 },
  )
})
