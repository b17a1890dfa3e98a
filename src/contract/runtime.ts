/** What a pod is told, and where it finds things. Written by src/plan, read by ps, worker and evaluator. */
import type { MetricSpec } from './metrics.ts'
import type { JobKind } from './names.ts'

export const PORTS = {
  /** Frames: push, pull, leases, snapshots. Parameter servers only. */
  wire: 7077,
  /** HTTP: /healthz, /readyz, /metrics, /status. Every runtime process. */
  http: 9090,
} as const

/** Environment of a runtime process. Only main.ts files read it. */
export const ENV = {
  /** JSON of RuntimeConfig. */
  config: 'DOWNPOUR_CONFIG',
  podUid: 'DOWNPOUR_POD_UID',
  /** Local mode only, where pods share the machine's network: the address that is this pod's. */
  podIp: 'DOWNPOUR_POD_IP',
  hostsFile: 'DOWNPOUR_HOSTS_FILE',
  /** Local mode only, where other users can reach the ports: a file with what processes of a run show each other. */
  keyFile: 'DOWNPOUR_KEY_FILE',
  /** Local mode only: the state folder of the run that a process belongs to, so that the next run finds what is left. */
  stateDir: 'DOWNPOUR_STATE_DIR',
  terminationLog: 'DOWNPOUR_TERMINATION_LOG',
  logLevel: 'DOWNPOUR_LOG_LEVEL',
} as const

/** Arguments of a runtime process, after its verb: its place in the job, and which try it is there, from 0. */
export const ARGS = { index: '--index', attempt: '--attempt' } as const

/** Where claims are mounted. */
export const MOUNTS = {
  data: '/mnt/downpour/data',
  evaluation: '/mnt/downpour/evaluation',
  checkpoint: '/mnt/downpour/checkpoint',
  /** FinetuneJob only: the folder that holds the source job's checkpoints. */
  source: '/mnt/downpour/source',
} as const

export type Mount = keyof typeof MOUNTS

/** Variables that name another folder than the mount: local mode's kubelet sets them, for it mounts nothing. */
export const FOLDER_ENV: Readonly<Record<Mount, string>> = {
  data: 'DOWNPOUR_DATA_DIR',
  evaluation: 'DOWNPOUR_EVALUATION_DIR',
  checkpoint: 'DOWNPOUR_CHECKPOINT_DIR',
  source: 'DOWNPOUR_SOURCE_DIR',
}

export const DEFAULT_TERMINATION_LOG = '/dev/termination-log'

/**
 * Exit codes of runtime processes. 1-99: the job's own fault, another attempt would fail the same way (permanent).
 * 100-127: the surroundings' fault, try again (retryable). 128 and above: killed by a signal (retryable).
 */
export const EXIT = {
  ok: 0,
  /** An error nobody foresaw: counted against backoffLimit, retried. */
  crash: 1,
  badConfig: 10,
  badData: 11,
  nonFinite: 12,
  badCheckpoint: 13,
  layoutMismatch: 14,
  /** Another pod has taken this one's place; nothing to retry. */
  fenced: 20,
  storage: 100,
  peerUnreachable: 101,
  /** SIGTERM obeyed: work handed back, checkpoint saved if this was a parameter server. */
  terminated: 143,
} as const

export type ExitClass = 'success' | 'permanent' | 'retryable'

export function exitClass(code: number): ExitClass {
  if (code === EXIT.ok) return 'success'
  if (code === EXIT.crash || code >= 100) return 'retryable'
  return code === EXIT.fenced ? 'retryable' : 'permanent'
}

export type Optimizer =
  /** TF1 semantics: rms starts at ones, epsilon inside the root (paper.md §4.2). */
  { type: 'rmsprop'; decay: number; momentum: number; epsilon: number } | { type: 'momentum'; momentum: number }

/** In global steps (paper.md §4.3). */
export type LearningRate =
  | { type: 'constant'; initial: number }
  | { type: 'exponential'; initial: number; factor: number; everySteps: number; staircase: boolean }
  | { type: 'piecewise'; boundaries: number[]; values: number[] }
  | { type: 'poly'; initial: number; power: number }

export interface DataConfig {
  /** Relative to the mounted data (or evaluation) folder. */
  path: string
  format: 'tfrecord' | 'imagenet-folder'
  /** Pattern of the names of TFRecord shards; absent: all, which must be of one series. */
  files?: string
  /** labels.json relative to `path`: [{ id, name, parents: number[] }]. Absent: imagenet-folder's class folders. */
  labels?: string
  /** Keep the images whose seeded hash falls below `fraction`: subsets of one seed are nested. */
  subset?: { fraction: number; seed: number }
  /** Unreadable records and images tolerated a pod before the job fails with BAD_DATA. */
  maxCorruptRecords: number
}

/** Resize to a square of `resizePixels`, random crop of `cropPixels`, random flip, pixels to [-1, 1] (paper.md §1.2). */
export interface InputConfig {
  resizePixels: number
  cropPixels: number
  flip: boolean
}

export interface RuntimeConfig {
  formatVersion: 1
  job: { kind: JobKind; namespace: string; name: string; uid: string }
  seed: number
  /** Type of a task of src/tasks. */
  task: string
  model: { backbone: string; classes: number; headSlices: number }
  /** finetune trains everything; frozen trains the head alone, batch norm at its moving statistics. */
  protocol: 'finetune' | 'frozen'
  data: DataConfig
  input: InputConfig
  batchSize: number
  maxSteps: number
  optimizer: Optimizer
  learningRate: LearningRate
  weightDecay: number
  batchNorm: { decay: number; epsilon: number }
  async: {
    fetchEvery: number
    pushEvery: number
    policy: 'async' | 'lrOverStaleness' | 'dcAsgd'
    /** Pushes staler than this are refused and recomputed; absent: none are. */
    maxStaleness?: number
    /** Until this global step only worker 0 trains (DistBelief's warm start). */
    warmStartSteps: number
    /** dcAsgd only: the lambda of paper.md §3.2. */
    delayCompensation: number
  }
  topology: { parameterServers: number; workers: number; psHosts: string[] }
  runtime: { backend: 'auto' | 'tensorflow' | 'webgpu' | 'wasm' | 'cpu' }
  checkpoint: {
    /** Folder of this job inside the mounted checkpoint folder. */
    path: string
    everySteps?: number
    everySeconds?: number
    keep: number
    keepBest: number
    /** Transfers start from these: saved at exactly these steps, ascending, and never purged. */
    keepSteps: number[]
  }
  /** Where the first weights come from when the job has no checkpoint of its own yet. */
  init: { type: 'random' } | { type: 'checkpoint'; path: string; digest: string }
  evaluation?: {
    data: DataConfig
    /** What checkpoints are compared by. */
    metric: MetricSpec
    maxExamples?: number
    batchSize: number
  }
  /** Consecutive refused gradients a worker, or refused by a shard, before the job fails. */
  maxNonFinite: number
}

/** As a runtime process is told it. */
export interface PlaceArgs {
  index?: string
  attempt?: string
}

export interface PodIdentity {
  index: number
  attempt: number
  podUid: string
}
