/** Metrics of a parameter server; label values are at zero from the start. */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import { PUSH_RESULTS } from '../contract/exchange.ts'

/** A fenced push is answered by the end of its connection. */
const PUSH_LABELS = [...PUSH_RESULTS, 'fenced']
const SECONDS = [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10]
const STALENESS = [0, 1, 2, 4, 8, 16, 32, 64, 128, 256]
const SAVE_SECONDS = [0.01, 0.1, 0.5, 1, 5, 15, 60, 300]

export type PsMetrics = ReturnType<typeof createPsMetrics>

/** A registry of its own: several servers can live in one process. */
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
    pushes: counter('downpour_ps_pushes_total', 'Pushes by what became of them.', ['result']),
    pulls: counter('downpour_ps_pulls_total', 'Pulls answered.'),
    pushSeconds: histogram('downpour_ps_push_duration_seconds', 'Checking and applying one push.', SECONDS),
    pullSeconds: histogram(
      'downpour_ps_pull_duration_seconds',
      'From a pull to its last byte taken by the kernel.',
      SECONDS,
    ),
    version: gauge('downpour_ps_version', 'Updates applied; of parameter server 0: the global step.'),
    staleness: histogram('downpour_ps_staleness_steps', 'Updates a gradient missed before it was applied.', STALENESS),
    queueDepth: gauge('downpour_ps_queue_depth', 'Connections waiting for room to receive or be sent a body.'),
    receivedBytes: counter('downpour_ps_bytes_received_total', 'Bodies of pushes, bytes.'),
    sentBytes: counter('downpour_ps_bytes_sent_total', 'Bodies of pulls, bytes.'),
    connectedWorkers: gauge('downpour_ps_connected_workers', 'Workers with a live connection.'),
    protocolErrors: counter('downpour_ps_protocol_errors_total', 'Connections ended for a bad frame or message.'),
    saves: counter('downpour_checkpoint_saves_total', 'Checkpoint rounds by result.', ['result']),
    saveSeconds: histogram('downpour_checkpoint_save_duration_seconds', 'One checkpoint round.', SAVE_SECONDS),
    checkpointBytes: gauge('downpour_checkpoint_size_bytes', 'Size of the last checkpoint, all shards.'),
    lastSuccess: gauge('downpour_checkpoint_last_success_timestamp_seconds', 'When the last round succeeded.'),
    lastStep: gauge('downpour_checkpoint_last_committed_step', 'Step of the last checkpoint.'),
  }
  for (const result of PUSH_LABELS) metrics.pushes.inc({ result }, 0)
  for (const result of ['success', 'failure']) metrics.saves.inc({ result }, 0)
  return metrics
}
