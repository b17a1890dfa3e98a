/** Metrics of a parameter server. All label values are exported as zero from the start. */
import { Counter, Gauge, Histogram, type Registry } from 'prom-client'
import { PUSH_RESULTS } from '../contract/exchange.ts'
import { createRegistry, type RegistryOptions } from './registry.ts'

/** `fenced` is no reply of the protocol: the server closes the connection instead. */
const PUSH_LABELS = [...PUSH_RESULTS, 'fenced']
const SECONDS = [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10]
/** Up to several times the largest number of workers. */
const STALENESS = [0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048]
const SAVE_SECONDS = [0.01, 0.1, 0.5, 1, 5, 15, 60, 300]

/** What parameter server 0 has seen of a worker. */
export interface WorkerPushes {
  readonly worker: number
  /** Applied ones. */
  readonly pushes: number
  readonly stalenessSum: number
  readonly lastPushSeconds: number
  /** Time between its pushes, divided by the median over workers; undefined: not known yet. */
  readonly slowness: number | undefined
}

/** Read at each scrape. */
export interface TrainingFigures {
  readonly learningRate: number
  readonly stepsLost: number
  /** Units of data by state; only on parameter server 0. */
  readonly leases?: Readonly<Record<string, number>> | undefined
  /** Empty unless `metrics.perWorker`, and on other parameter servers than 0. */
  readonly workers: readonly WorkerPushes[]
}

export type PsMetrics = ReturnType<typeof createPsMetrics>

/** Creates a separate registry, so that several parameter servers can run in one process. */
export function createPsMetrics(options: RegistryOptions = {}) {
  const registry = createRegistry(options)
  const registers = [registry]
  const counter = <T extends string>(name: string, help: string, labelNames: T[] = []) =>
    new Counter({ name, help, labelNames, registers })
  const gauge = (name: string, help: string) => new Gauge({ name, help, registers })
  const histogram = (name: string, help: string, buckets: number[]) => new Histogram({ name, help, buckets, registers })
  const metrics = {
    registry,
    pushes: counter('downpour_ps_pushes_total', 'Pushes by result.', ['result']),
    pulls: counter('downpour_ps_pulls_total', 'Pulls answered.'),
    pushSeconds: histogram('downpour_ps_push_duration_seconds', 'Time to check and apply one push.', SECONDS),
    pullSeconds: histogram(
      'downpour_ps_pull_duration_seconds',
      'Time from a pull request until the kernel has accepted the last byte of the reply.',
      SECONDS,
    ),
    version: gauge('downpour_ps_version', 'Updates applied; on parameter server 0 this is the global step.'),
    staleness: histogram(
      'downpour_ps_staleness_steps',
      'Updates applied between the pull and the push of a gradient.',
      STALENESS,
    ),
    queueDepth: gauge('downpour_ps_queue_depth', 'Connections that wait for buffer space to receive or send a body.'),
    receivedBytes: counter('downpour_ps_bytes_received_total', 'Bytes received in bodies of pushes.'),
    sentBytes: counter('downpour_ps_bytes_sent_total', 'Bytes sent in bodies of pulls.'),
    connectedWorkers: gauge('downpour_ps_connected_workers', 'Workers with an open connection.'),
    protocolErrors: counter(
      'downpour_ps_protocol_errors_total',
      'Connections closed because of an invalid frame or message.',
    ),
    saves: counter('downpour_checkpoint_saves_total', 'Attempts to save a checkpoint, by result.', ['result']),
    savePauseSeconds: counter(
      'downpour_checkpoint_save_pause_seconds_total',
      'Time for which pushes waited because a checkpoint copied the weights.',
    ),
    saveSeconds: histogram('downpour_checkpoint_save_duration_seconds', 'Time to save one checkpoint.', SAVE_SECONDS),
    checkpointBytes: gauge('downpour_checkpoint_size_bytes', 'Size of the last checkpoint, sum of all shards.'),
    lastSuccess: gauge('downpour_checkpoint_last_success_timestamp_seconds', 'Time when a checkpoint was last saved.'),
    lastStep: gauge('downpour_checkpoint_last_committed_step', 'Global step of the last checkpoint.'),
    skipped: risingTo(
      counter(
        'downpour_checkpoint_skipped_total',
        'Checkpoints of the job that were deleted before the evaluator had scored them (spec.evaluation.maxWaiting).',
      ),
    ),
  }
  const training = trainingMetrics(registry)
  // Otherwise they are 0 before the first checkpoint of the process, a time in 1970.
  for (const metric of [metrics.lastSuccess, metrics.lastStep]) metric.remove()
  for (const result of PUSH_LABELS) metrics.pushes.inc({ result }, 0)
  for (const result of ['success', 'failure']) metrics.saves.inc({ result }, 0)
  return { ...metrics, training }
}

/** A counter of a figure that is corrected downwards at times: it waits until the figure is as high again. */
function risingTo(counter: Counter): { riseTo(figure: number): void } {
  let shown = 0
  return {
    riseTo(figure) {
      counter.inc(Math.max(0, figure - shown))
      shown = Math.max(shown, figure)
    },
  }
}

interface FigureSeries {
  readonly type: typeof Gauge | typeof Counter
  readonly name: string
  readonly help: string
  readonly label?: string
  readonly samples: (figures: TrainingFigures) => readonly (readonly [label: string, value: number])[]
}

const ofWorkers = (pick: (worker: WorkerPushes) => number | undefined) => (figures: TrainingFigures) =>
  figures.workers.flatMap((one) => {
    const value = pick(one)
    return value === undefined ? [] : [[String(one.worker), value] as const]
  })

const FIGURES: readonly FigureSeries[] = [
  {
    type: Gauge,
    name: 'downpour_ps_learning_rate',
    help: 'Learning rate of the next update.',
    samples: ({ learningRate }) => [['', learningRate]],
  },
  {
    type: Counter,
    name: 'downpour_ps_steps_lost_total',
    help: 'Steps that the job takes again, because this process continued from an older checkpoint.',
    samples: ({ stepsLost }) => [['', stepsLost]],
  },
  {
    type: Gauge,
    name: 'downpour_ps_leases',
    help: 'Units of data of the epoch: held by workers, given back by workers that left, not handed out yet.',
    label: 'state',
    samples: ({ leases = {} }) => Object.entries(leases),
  },
  {
    type: Counter,
    name: 'downpour_ps_worker_pushes_applied_total',
    help: 'Applied pushes of each worker.',
    label: 'worker',
    samples: ofWorkers(({ pushes }) => pushes),
  },
  {
    type: Counter,
    name: 'downpour_ps_worker_staleness_steps_total',
    help: 'Staleness of the applied pushes of each worker, added up.',
    label: 'worker',
    samples: ofWorkers(({ stalenessSum }) => stalenessSum),
  },
  {
    type: Gauge,
    name: 'downpour_ps_worker_last_push_timestamp_seconds',
    help: 'Time of the last applied push of each worker.',
    label: 'worker',
    samples: ofWorkers(({ lastPushSeconds }) => lastPushSeconds),
  },
  {
    type: Gauge,
    name: 'downpour_ps_worker_slowness_ratio',
    help: 'Time between the pushes of each worker, divided by the median over workers.',
    label: 'worker',
    samples: ofWorkers(({ slowness }) => slowness),
  },
]

/** @returns sets what is read at each scrape; before the model is known there is nothing to read */
function trainingMetrics(registry: Registry) {
  let read: () => TrainingFigures | undefined = () => undefined
  for (const { type: Type, label, samples, ...named } of FIGURES) {
    new Type({
      ...named,
      ...(label !== undefined && { labelNames: [label] }),
      registers: [registry],
      collect() {
        const figures = read()
        this.reset()
        // Otherwise it is 0, as if the job did not learn.
        if (!figures && Type === Gauge && label === undefined) this.remove()
        for (const [value, sample] of figures ? samples(figures) : [])
          this.inc(label === undefined ? {} : { [label]: value }, sample)
      },
    })
  }
  return (figures: () => TrainingFigures | undefined) => {
    read = figures
  }
}
