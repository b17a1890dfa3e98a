/** Metrics of a parameter server. All label values are exported as zero from the start. */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import { PUSH_RESULTS } from '../contract/exchange.ts'

/** `fenced` is no reply of the protocol: the server closes the connection instead. */
const PUSH_LABELS = [...PUSH_RESULTS, 'fenced']
const SECONDS = [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10]
const STALENESS = [0, 1, 2, 4, 8, 16, 32, 64, 128, 256]
const SAVE_SECONDS = [0.01, 0.1, 0.5, 1, 5, 15, 60, 300]

export type PsMetrics = ReturnType<typeof createPsMetrics>

/** Creates a separate registry, so that several parameter servers can run in one process. */
export function createPsMetrics(options: { defaults?: boolean } = {}) {
  const registry = new Registry()
  const registers = [registry]
  if (options.defaults) collectDefaultMetrics({ register: registry })
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
    saveSeconds: histogram('downpour_checkpoint_save_duration_seconds', 'Time to save one checkpoint.', SAVE_SECONDS),
    checkpointBytes: gauge('downpour_checkpoint_size_bytes', 'Size of the last checkpoint, sum of all shards.'),
    lastSuccess: gauge('downpour_checkpoint_last_success_timestamp_seconds', 'Time when a checkpoint was last saved.'),
    lastStep: gauge('downpour_checkpoint_last_committed_step', 'Global step of the last checkpoint.'),
    skipped: gauge(
      'downpour_checkpoint_skipped',
      'Checkpoints of the job that were deleted before the evaluator had scored them (spec.evaluation.maxWaiting).',
    ),
  }
  for (const result of PUSH_LABELS) metrics.pushes.inc({ result }, 0)
  for (const result of ['success', 'failure']) metrics.saves.inc({ result }, 0)
  return metrics
}
