import assert from 'node:assert/strict'
import { describe, suite, test } from 'node:test'
import fc from 'fast-check'
import { decide } from '../../../src/operator/decide.ts'
import type { PodFacts } from '../../../src/operator/observed.ts'
import type { RawPod } from '../../../src/operator/raw-pod.ts'
import { actionsOf, conditionText, coordinator, NOW, observed, pod, pretrainJob, saved } from './builders.ts'
import {
  badData,
  container,
  ended,
  factsOf,
  INIT_FAILED,
  running,
  SIDECAR_FIRST,
  type Status,
  waiting,
} from './pod-statuses.ts'

const notReady = [{ type: 'Ready', status: 'False', reason: 'ContainersNotReady' }]
const preempted = (secondsAfterEnd: number) => ({
  type: 'DisruptionTarget',
  status: 'True',
  reason: 'PreemptionByScheduler',
  lastTransitionTime: new Date(NOW - 20_000 + secondsAfterEnd * 1000).toISOString(),
})

interface Row {
  what: string
  status: Status
  /** phase, ready, whether others outlive it */
  is: [PodFacts['phase'], boolean, boolean]
  /** What the job says of it: condition Failed, else Degraded, else Running. */
  says: RegExp
  /** What is done about the pod, with the failure written down. */
  does?: string[]
}

const REPLACED = ['replacePod worker-0 attempt 1 generation 0 failures 1']
const proxy = container('istio-proxy', running)

const TABLE: Row[] = [
  {
    what: 'classic sidecar first, ended well: the exit code of ours counts',
    status: SIDECAR_FIRST,
    is: ['Failed', false, false],
    says: /^Failed BAD_DATA: worker-0: BAD_DATA: x.tfrecord at byte 0: data CRC does not match \(exit 11\)$/,
  },
  {
    what: 'init container that failed',
    status: INIT_FAILED,
    is: ['Failed', false, false],
    says: /^Degraded .*worker-0: init container "istio-init": iptables: permission denied \(exit 255\)/,
    does: REPLACED,
  },
  {
    what: 'classic sidecar first, ours ended with bad data, the proxy lives',
    status: { phase: 'Running', containerStatuses: [proxy, container('worker', badData)] },
    is: ['Failed', false, true],
    says: /^Failed BAD_DATA/,
    does: ['endPod'],
  },
  {
    what: 'classic sidecar last, the same',
    status: { phase: 'Running', containerStatuses: [container('worker', badData), proxy] },
    is: ['Failed', false, true],
    says: /^Failed BAD_DATA/,
    does: ['endPod'],
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
    does: ['deletePod uid-worker-0'],
  },
  {
    what: 'two injected, one ended, one lives',
    status: {
      phase: 'Running',
      containerStatuses: [container('vault-agent', ended(0)), container('worker', ended(0)), proxy],
    },
    is: ['Succeeded', false, true],
    says: /^Running Training/,
    does: ['endPod'],
  },
  {
    what: 'a sidecar that failed after ours ended well: the phase of the pod is Failed',
    status: { phase: 'Failed', containerStatuses: [container('worker', ended(0)), container('istio-proxy', ended(1))] },
    is: ['Succeeded', false, false],
    says: /^Running Training/,
  },
  {
    what: 'sidecars ended by the deadline that we set: ours had ended before',
    status: {
      phase: 'Failed',
      reason: 'DeadlineExceeded',
      message: 'Pod was active on the node longer than the specified deadline',
      containerStatuses: [container('istio-proxy', ended(137)), container('worker', ended(1, 'torn'))],
    },
    is: ['Failed', false, false],
    says: /^Degraded .*worker-0: torn \(exit 1\)$/,
    does: REPLACED,
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
  },
  {
    what: 'a classic sidecar has crashed, ours runs',
    status: {
      phase: 'Running',
      containerStatuses: [container('istio-proxy', ended(2, 'no certificate')), container('worker', running)],
    },
    is: ['Running', true, false],
    says: /^Running Training: .*worker-0: Error: container "istio-proxy": ended with exit code 2: no certificate$/,
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
    does: REPLACED,
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
    does: REPLACED,
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
  },
  {
    what: 'no containerStatuses yet, the sandbox is being made',
    status: { phase: 'Pending', conditions: [{ type: 'PodReadyToStartContainers', status: 'False' }] },
    is: ['Pending', true, false],
    says: /^Running Training: ps 1\/1, workers 1\/2$/,
  },
  {
    what: 'evicted before any container began',
    status: { phase: 'Failed', reason: 'Evicted', message: 'The node was low on resource: memory.' },
    is: ['Failed', true, false],
    says: /^Degraded .*worker-0: Evicted: The node was low on resource: memory.$/,
    does: ['replacePod worker-0 attempt 1 generation 0 failures 0'],
  },
  {
    what: 'evicted, with empty statuses',
    status: { phase: 'Failed', reason: 'Evicted', containerStatuses: [], initContainerStatuses: [] },
    is: ['Failed', true, false],
    says: /^Degraded .*worker-0: Evicted$/,
    does: ['replacePod worker-0 attempt 1 generation 0 failures 0'],
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
    does: ['deletePod uid-worker-0'],
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
    does: ['replacePod worker-0 attempt 1 generation 0 failures 0'],
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
  },
  {
    what: 'the control plane has lost the node: what the kubelet said last is not now',
    status: { phase: 'Unknown', reason: 'NodeLost', containerStatuses: [proxy, container('worker', running)] },
    is: ['Unknown', true, false],
    says: /^Degraded .*lost: worker-0/,
  },
  {
    what: 'only containers that are not ours are known yet',
    status: { phase: 'Pending', containerStatuses: [container('istio-proxy', waiting('ContainerCreating'))] },
    is: ['Pending', true, false],
    says: /^Running Training: ps 1\/1, workers 1\/2$/,
  },
]

function decideOn(facts: PodFacts) {
  const pods = [pod('ps', 0), facts, pod('worker', 1)]
  const first = decide(pretrainJob(), observed(pods), NOW)
  return { first, next: decide(pretrainJob({ status: first.status }), observed(pods), NOW) }
}

function saying(decision: ReturnType<typeof decide>): string {
  for (const type of ['Failed', 'Degraded'] as const) {
    const text = conditionText(decision, type)
    if (text.startsWith('True')) return text.replace('True', type)
  }
  return conditionText(decision, 'Running').replace(/^(True|False)/, 'Running')
}

suite('pods with containers of others', () => {
  for (const { what, status, is, says, does = [] } of TABLE) {
    test(what, () => {
      const facts = factsOf('worker', 0, status)
      assert.deepEqual([facts.phase, facts.ready, facts.outlived], is)
      const { first, next } = decideOn(facts)
      assert.match(saying(first), says)
      assert.deepEqual(
        actionsOf(next).filter((action) => !/^deletePod uid-(ps-0|worker-1)$/.test(action)),
        does,
      )
    })
  }

  test('in another order say the same', () => {
    const shuffled = fc
      .constantFrom(...TABLE)
      .chain(({ status }) =>
        fc.tuple(
          fc.constant(status),
          fc.shuffledSubarray(status.containerStatuses ?? [], { minLength: status.containerStatuses?.length ?? 0 }),
        ),
      )
    fc.assert(
      fc.property(shuffled, ([status, containerStatuses]) => {
        const [one, other] = [status, { ...status, containerStatuses }].map((kind) => factsOf('worker', 0, kind))
        assert.deepEqual(other, one)
      }),
    )
  })
})

describe('a pod whose sidecars outlive it', () => {
  const beside = (
    role: 'ps' | 'worker' | 'evaluator',
    state: Parameters<typeof container>[1],
    more: Partial<RawPod> = {},
  ) => factsOf(role, 0, { phase: 'Running', containerStatuses: [proxy, container(role, state)] }, more)
  const final = coordinator({ phase: 'done', step: 1000, checkpoints: [saved(1000, { final: true })] })
  const told = { isEnding: true }

  test('has succeeded: the job has too, and the pod is kept for its logs', () => {
    const pods = [beside('ps', ended(0)), beside('worker', ended(0)), pod('worker', 1)]
    const done = decide(pretrainJob(), observed(pods, { coordinator: final }), NOW)
    assert.equal(conditionText(done, 'Succeeded'), 'True Completed: trained to step 1000')
    assert.deepEqual(actionsOf(done), ['endPod', 'endPod'])
    const after = decide(pretrainJob({ status: done.status }), observed(pods), NOW)
    assert.deepEqual(actionsOf(after), ['deletePod uid-worker-1', 'endPod', 'endPod'])
  })

  test('is told to end once, and removed if it runs on two minutes after the end of the job', () => {
    const pods = [{ ...beside('ps', ended(0)), ...told }]
    const { status } = decide(pretrainJob(), observed(pods, { coordinator: final }), NOW)
    const soon = decide(pretrainJob({ status }), observed(pods), NOW)
    assert.deepEqual([actionsOf(soon), soon.requeueAfterSeconds], [[], 120])
    assert.deepEqual(actionsOf(decide(pretrainJob({ status }), observed(pods), NOW + 120_000)), ['deletePod uid-ps-0'])
    const keep = pretrainJob({ status, spec: { cleanPodPolicy: 'None' } })
    assert.deepEqual(actionsOf(decide(keep, observed(pods), NOW + 120_000)), [])
  })

  test('was the parameter server: the next generation waits until it is gone', () => {
    const before = decide(pretrainJob(), observed([pod('ps', 0), pod('worker', 0), pod('worker', 1)]), NOW).status
    const workers = [pod('worker', 0), pod('worker', 1)]
    const dead = beside('ps', ended(137))
    let status = before
    for (let round = 0; round < 3; round++)
      status = decide(pretrainJob({ status }), observed([dead, ...workers]), NOW).status
    assert.equal(status.psGeneration, 1)
    const removed = decide(pretrainJob({ status }), observed([dead, ...workers]), NOW)
    assert.deepEqual(actionsOf(removed), ['deletePod uid-ps-0'])
    const going = decide(pretrainJob({ status }), observed([{ ...dead, deleting: true }, ...workers]), NOW)
    assert.deepEqual(actionsOf(going), [])
    assert.deepEqual(actionsOf(decide(pretrainJob({ status }), observed(workers), NOW)), [
      'createPod ps-0 attempt 1 generation 1 failures 1',
    ])
  })

  test('of a suspended job goes with the others', () => {
    const job = pretrainJob({ spec: { suspend: true } })
    assert.deepEqual(actionsOf(decide(job, observed([beside('worker', ended(1))]), NOW)), ['deletePod uid-worker-0'])
  })

  test('its last words are read, not its address asked', () => {
    const facts = beside('ps', ended(0, JSON.stringify(final)))
    assert.deepEqual([facts.phase, JSON.parse(facts.lastWords ?? '').step], ['Succeeded', 1000])
  })

  test('what was told is remembered with the pod', () => {
    const spec = { nodeName: 'n', activeDeadlineSeconds: 1 }
    assert.equal(beside('worker', ended(1), { spec }).isEnding, true)
  })
})
