/** The interface between operator and pods: ports, environment, mounts, exit codes, RuntimeConfig. src/plan writes it; ps, worker and evaluator read it. */
import { z } from 'zod'
import { MetricSpec } from './metrics.ts'
import { JOB_KINDS } from './names.ts'
import {
  Async,
  BatchNorm,
  backend,
  Data,
  Evaluation,
  Freeze,
  graph,
  type Input,
  LearningRate,
  Metrics,
  Model,
  Optimizer,
  perPod,
  positive,
  protocol,
  Retention,
  Straggling,
  steps,
  Training,
} from './training.ts'

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
  /** The GPU that the pod requests, by the name of its resource. */
  gpu: 'DOWNPOUR_GPU',
  /** Local mode only, where pods share the machine's network: the address of this pod. */
  podIp: 'DOWNPOUR_POD_IP',
  hostsFile: 'DOWNPOUR_HOSTS_FILE',
  /** Local mode only, where other users can reach the ports: a file with the key that processes of a run authenticate with. */
  keyFile: 'DOWNPOUR_KEY_FILE',
  /** Local mode only: the state folder of the run. The next run finds leftover processes by it. */
  stateDir: 'DOWNPOUR_STATE_DIR',
  terminationLog: 'DOWNPOUR_TERMINATION_LOG',
  logLevel: 'DOWNPOUR_LOG_LEVEL',
  /** Local mode only, where pods share the machine's cores: how many pictures this pod decodes at the same time. */
  decoders: 'DOWNPOUR_DECODERS',
} as const

/** libvips passes a picture from one thread to another many times; a second one uses the CPU between them. */
export const DECODERS_PER_CPU = 2

/** Variables that TensorFlow reads: threads inside an operation, and operations at once. */
export const TENSORFLOW_THREADS = ['TF_NUM_INTRAOP_THREADS', 'TF_NUM_INTEROP_THREADS'] as const

/**
 * Arguments of a runtime process after its verb: its index in the role, and the attempt, from 0. `process` is the number of
 * a process that a worker with `perPod` has started.
 */
export const ARGS = { index: '--index', attempt: '--attempt', process: '--process' } as const

/** A file system in memory, which the processes of a worker share. */
export const SHARED_MEMORY = '/dev/shm'

/** Where claims are mounted. */
export const MOUNTS = {
  data: '/mnt/downpour/data',
  evaluation: '/mnt/downpour/evaluation',
  checkpoint: '/mnt/downpour/checkpoint',
  /** The volume of the checkpoint that the job starts from. */
  source: '/mnt/downpour/source',
} as const

export type Mount = keyof typeof MOUNTS

/** Variables that override the mounts. The kubelet of local mode sets them, because it cannot mount. */
export const FOLDER_ENV: Readonly<Record<Mount, string>> = {
  data: 'DOWNPOUR_DATA_DIR',
  evaluation: 'DOWNPOUR_EVALUATION_DIR',
  checkpoint: 'DOWNPOUR_CHECKPOINT_DIR',
  source: 'DOWNPOUR_SOURCE_DIR',
}

export const DEFAULT_TERMINATION_LOG = '/dev/termination-log'

/**
 * Exit codes of runtime processes; `exitClass` says what the operator does about them. 2-99: the job's own fault, another
 * attempt would fail the same way (permanent), but for `fenced`. 1, and 100 and above: try again (retryable); 128 and
 * above mean that a signal ended the process.
 */
export const EXIT = {
  ok: 0,
  /** An unexpected error: counted against backoffLimit, retried. */
  crash: 1,
  badConfig: 10,
  badData: 11,
  nonFinite: 12,
  badCheckpoint: 13,
  layoutMismatch: 14,
  /** Another pod has taken this one's place. Retryable: the fault is not the job's, and the place must stay filled. */
  fenced: 20,
  storage: 100,
  peerUnreachable: 101,
  /** The pod requests a GPU and has none that works; another node may. */
  gpuUnavailable: 102,
  /** Stopped by SIGTERM after saving a checkpoint or giving back leases. */
  terminated: 143,
} as const

export type ExitClass = 'success' | 'permanent' | 'retryable'

export function exitClass(code: number): ExitClass {
  if (code === EXIT.ok) return 'success'
  return code === EXIT.crash || code === EXIT.fenced || code >= 100 ? 'retryable' : 'permanent'
}

/** Paths are relative to the mounted data (or evaluation) folder. */
const DataConfig = z.strictObject({ path: z.string(), ...Data.shape })
export type DataConfig = z.output<typeof DataConfig>
export type InputConfig = z.output<typeof Input>

const fields = z.record(z.string(), z.unknown())
/** A task of src/tasks; its declaration knows the fields. */
const TaskConfig = z.strictObject({ type: z.string(), options: fields, input: fields })
export type TaskConfig = z.output<typeof TaskConfig>

export const RuntimeConfig = z.strictObject({
  formatVersion: z.literal(1),
  job: z.strictObject({ kind: z.enum(JOB_KINDS), namespace: z.string(), name: z.string(), uid: z.string() }),
  task: TaskConfig,
  model: Model,
  /** finetune trains everything; frozen trains the head alone, batch norm at its moving statistics. */
  protocol,
  /** Absent: none. */
  freeze: z.exactOptional(Freeze),
  data: DataConfig,
  ...Training.shape,
  optimizer: Optimizer,
  learningRate: LearningRate,
  batchNorm: BatchNorm,
  async: Async,
  /** Processes that compute in the pod of a worker; 1 when absent. */
  perPod: z.exactOptional(perPod),
  topology: z.strictObject({ parameterServers: positive, workers: positive, psHosts: z.array(z.string()).min(1) }),
  runtime: z.strictObject({
    backend,
    /** auto when absent. */
    graph: z.exactOptional(graph),
  }),
  metrics: Metrics,
  /** Absent: the defaults. */
  stragglers: z.exactOptional(Straggling),
  checkpoint: z.strictObject({
    /** Folder of this job inside the mounted checkpoint folder. */
    path: z.string(),
    everySteps: z.exactOptional(steps),
    everySeconds: z.exactOptional(z.number().gt(0)),
    ...Retention.shape,
    /** Steps of transfers, ascending: saved exactly there, and never purged. */
    keepSteps: z.array(steps).max(256),
  }),
  /** The first weights of a job that has no checkpoint yet. */
  init: z.discriminatedUnion('type', [
    z.strictObject({ type: z.literal('random') }),
    z.strictObject({ type: z.literal('checkpoint'), path: z.string(), digest: z.string() }),
    /** A checkpoint or a folder of checkpoints, of which parameter server 0 chooses one; digest: it has chosen that one. */
    z.strictObject({ type: z.literal('folder'), path: z.string(), digest: z.exactOptional(z.string()) }),
  ]),
  evaluation: z.exactOptional(
    z.strictObject({
      data: DataConfig,
      /** What checkpoints are compared by. */
      metric: MetricSpec,
      batchSize: positive,
      ...Evaluation.shape,
      maxWaiting: z.exactOptional(Evaluation.shape.maxWaiting),
    }),
  ),
})
export type RuntimeConfig = z.output<typeof RuntimeConfig>

/** Arguments, as text. */
export interface PlaceArgs {
  index?: string
  attempt?: string
  process?: string
}

export interface PodIdentity {
  index: number
  attempt: number
  podUid: string
}
