/** Jobs and pods with only the field under test spelled out. */
import type { JobOfKind } from '../../../src/api/job.ts'
import type { JobStatus } from '../../../src/api/status.ts'
import { podName, type Role } from '../../../src/contract/names.ts'
import type { CheckpointInfo, CoordinatorStatus, EvaluatorStatus } from '../../../src/contract/status.ts'
import type { Action, Decision } from '../../../src/operator/actions.ts'
import { findCondition } from '../../../src/operator/conditions.ts'
import type { Observed, PodFacts } from '../../../src/operator/observed.ts'

export const NOW = Date.UTC(2026, 0, 2, 3, 4, 5)
export const ago = (seconds: number) => NOW - seconds * 1000
export const isoAgo = (seconds: number) => new Date(ago(seconds)).toISOString()
export const UID = 'uid-job'

type PretrainJob = JobOfKind<'PretrainJob'>
type FinetuneJob = JobOfKind<'FinetuneJob'>

const metadata = (name: string) => ({
  name,
  namespace: 'team',
  uid: UID,
  generation: 3,
  resourceVersion: '7',
  creationTimestamp: isoAgo(100),
})

const training = {
  task: { type: 'multi-label', classes: 10, headSlices: 1 },
  model: { backbone: 'resnet-mini' },
  data: { source: { claimName: 'data' }, format: 'tfrecord', maxCorruptRecords: 100 },
  input: { resizePixels: 36, cropPixels: 32, flip: true },
  optimizer: { type: 'momentum', momentum: 0.9 },
  learningRate: { type: 'constant', initial: 0.1 },
  batchSize: 8,
  weightDecay: 0,
  batchNorm: { decay: 0.9, epsilon: 0.001 },
  maxSteps: 1000,
  seed: 1,
  async: { fetchEvery: 1, pushEvery: 1, policy: { type: 'async' }, warmStartSteps: 0 },
  parameterServer: { replicas: 1 },
  workers: { replicas: 2 },
  evaluator: {},
  runtime: { backend: 'auto' },
  checkpoint: { keep: 3, keepBest: 1, storage: { volume: { claimName: 'ckpt' } } },
  maxNonFinite: 10,
  metrics: { perWorker: true },
  suspend: false,
  backoffLimit: 3,
  progressDeadlineSeconds: 600,
  cleanPodPolicy: 'Running',
} as const

export interface JobOptions<Spec> {
  name?: string
  spec?: Partial<Spec>
  status?: JobStatus | undefined
  deleting?: boolean
}

export function pretrainJob(options: JobOptions<PretrainJob['spec']> = {}): PretrainJob {
  const { name = 'jft', spec, status, deleting } = options
  return {
    kind: 'PretrainJob',
    metadata: { ...metadata(name), ...(deleting ? { deletionTimestamp: isoAgo(1) } : {}) },
    spec: { ...training, ...spec } as PretrainJob['spec'],
    ...(status && { status }),
  }
}

export function finetuneJob(options: JobOptions<FinetuneJob['spec']> = {}): FinetuneJob {
  const { name = 'birds', spec, status } = options
  const own = {
    task: { type: 'imagenet-classification', classes: 10, headSlices: 1 },
    protocol: 'finetune',
    init: 'pretrained',
    evaluation: { data: training.data },
    from: { pretrainJob: 'jft', checkpoint: 'latest' },
  }
  return {
    kind: 'FinetuneJob',
    metadata: metadata(name),
    spec: { ...training, ...own, ...spec } as FinetuneJob['spec'],
    ...(status && { status }),
  }
}

export function pod(role: Role, index: number, facts: Partial<PodFacts> = {}): PodFacts {
  return {
    name: podName('PretrainJob', 'jft', role, index),
    uid: `uid-${role}-${index}`,
    ownerUid: UID,
    role,
    index,
    attempt: 0,
    failures: 0,
    generation: 0,
    planHash: 'plan-1',
    phase: 'Running',
    ready: true,
    outlived: false,
    othersRun: false,
    isEnding: false,
    podIP: '10.0.0.1',
    deleting: false,
    createdAtMs: ago(60),
    startedAtMs: ago(50),
    finishedAtMs: undefined,
    exitCode: undefined,
    reason: undefined,
    message: undefined,
    terminationMessage: undefined,
    failedContainer: undefined,
    disruption: undefined,
    disruptionMessage: undefined,
    nodeName: undefined,
    endDueAtMs: undefined,
    silentSinceMs: undefined,
    isPlaced: true,
    placedAtMs: undefined,
    isGated: false,
    finalizers: [],
    isHeld: false,
    isLast: false,
    unschedulable: undefined,
    ...facts,
  }
}

export function failed(role: Role, index: number, exitCode: number, facts: Partial<PodFacts> = {}): PodFacts {
  return pod(role, index, { phase: 'Failed', ready: false, exitCode, finishedAtMs: ago(400), ...facts })
}

export function succeeded(role: Role, index: number, facts: Partial<PodFacts> = {}): PodFacts {
  return pod(role, index, { phase: 'Succeeded', ready: false, exitCode: 0, finishedAtMs: ago(5), ...facts })
}

export const pending = (role: Role, index: number, facts: Partial<PodFacts> = {}) =>
  pod(role, index, { phase: 'Pending', ready: false, startedAtMs: undefined, ...facts })

export function observed(pods: readonly PodFacts[], facts: Partial<Observed> = {}): Observed {
  return {
    desired: { ps: 1, worker: 2, evaluator: 0 },
    planHash: 'plan-1',
    pods,
    service: { ownerUid: UID, deleting: false },
    coordinator: undefined,
    evaluator: undefined,
    source: undefined,
    pins: [],
    transfers: [],
    transfersMade: [],
    ...facts,
  }
}

export function saved(step: number, facts: Partial<CheckpointInfo> = {}): CheckpointInfo {
  return { step, digest: `digest-${step}`, path: `jft/step-${step}`, savedAt: isoAgo(10), final: false, ...facts }
}

export function coordinator(facts: Partial<CoordinatorStatus> = {}): CoordinatorStatus {
  return {
    role: 'ps',
    index: 0,
    phase: 'training',
    incarnation: 1,
    step: 370,
    stepsLost: 0,
    maxSteps: 1000,
    loss: 2.5,
    learningRate: 0.1,
    examplesPerSecond: 80,
    etaSeconds: 63,
    staleness: { mean: 1.5, p99: 4, max: 9 },
    pushes: { applied: 370, duplicate: 0, stale: 0, nonfinite: 0, fenced: 0 },
    workersConnected: 2,
    workersContributed: 2,
    stragglers: [],
    epoch: 0,
    classes: null,
    source: null,
    init: null,
    lineage: [],
    checkpoints: [],
    pinned: [],
    checkpointsSkipped: 0,
    checkpointFailures: { count: 0, lastError: null },
    failure: null,
    ...facts,
  }
}

export function evaluator(step: number, metrics: Record<string, number>): EvaluatorStatus {
  const evaluations = [{ step, digest: `digest-${step}`, metrics, examples: 100 }]
  return { role: 'evaluator', index: 0, phase: 'done', evaluations, failure: null }
}

/** @example actionsOf(decision) -> ['createService', 'createPod ps-0 attempt 0 generation 0', 'deletePod jft-pj-ps-0'] */
export function actionsOf(decision: Decision): string[] {
  return decision.actions.map(text)
}

function text(action: Action): string {
  switch (action.type) {
    case 'createPod':
    case 'replacePod': {
      const { type, role, index, attempt, generation, failures } = action
      return `${type} ${role}-${index} attempt ${attempt} generation ${generation} failures ${failures}`
    }
    case 'deletePod':
      return `deletePod ${action.uid}`
    case 'pinCheckpoints':
      return `pinCheckpoints ${action.steps.join(' ')}`
    case 'createTransfer':
      return `createTransfer ${action.name}`
    case 'noteTransfers':
      return `noteTransfers ${action.names.join(' ')}`
    default:
      return action.type
  }
}

/** @example conditionText(decision, 'Failed') === 'True BadData: ...' */
export function conditionText(decision: Decision, type: JobStatus['conditions'][number]['type']): string {
  const found = findCondition(decision.status.conditions, type)
  return found ? `${found.status} ${found.reason}: ${found.message}` : 'absent'
}
