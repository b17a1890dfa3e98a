/** Rows of the job dashboard about its parameter servers: the exchange with workers, their load, checkpoints, restarts. */
import { JOB_LEVEL } from '../expressions.ts'
import type { Row } from './builder.ts'
import { JOB, RATE } from './selectors.ts'
import { EVENTS, lines, mean, one, quantiles } from './shorthand.ts'

const SHARD = 'parameter server {{index}}'

export const EXCHANGE: Row = {
  title: 'Exchange and staleness',
  panels: [
    lines({
      title: 'Staleness',
      description:
        'Updates between the pull of the weights and the push of their gradient. About the number of workers is usual.',
      ...{ unit: 'updates', softMax: 1 },
      queries: [
        { expr: `max(${JOB_LEVEL}:downpour_ps_staleness_steps:mean{${JOB}})`, legend: 'mean' },
        { expr: `max(${JOB_LEVEL}:downpour_ps_staleness_steps:p99{${JOB}})`, legend: '99th percentile' },
      ],
    }),
    lines({
      title: 'Time of a push',
      description: 'From the whole body of a push to its reply, over all parameter servers.',
      unit: 's',
      queries: quantiles('downpour_ps_push_duration_seconds', JOB),
    }),
    lines({
      title: 'Time of a pull',
      description: 'From the request of the weights to the last byte of the reply, over all parameter servers.',
      unit: 's',
      queries: quantiles('downpour_ps_pull_duration_seconds', JOB),
    }),
  ],
}

export const SHARDS: Row = {
  title: 'Parameter servers',
  panels: [
    lines({
      title: 'Updates a second of each shard',
      description:
        'Applied pushes of each parameter server. All are alike, because each push has a part for each of them.',
      unit: 'updates/s',
      queries: one(`sum by (index) (rate(downpour_ps_pushes_total{${JOB}, result="applied"}${RATE}))`, SHARD),
    }),
    lines({
      title: 'Traffic',
      description: 'Bytes of gradients received and of weights sent, all parameter servers together.',
      unit: 'Bps',
      queries: [
        { expr: `sum(rate(downpour_ps_bytes_received_total{${JOB}}${RATE}))`, legend: 'gradients' },
        { expr: `sum(rate(downpour_ps_bytes_sent_total{${JOB}}${RATE}))`, legend: 'weights' },
      ],
    }),
    lines({
      title: 'Connections that wait for memory',
      description: 'Above 0 for long, the parameter server is too slow for its workers: add parameter servers.',
      ...{ unit: 'none', softMax: 1, decimals: 0 },
      queries: one(`max by (index) (downpour_ps_queue_depth{${JOB}})`, SHARD),
    }),
    lines({
      title: 'Data of the epoch',
      description: 'Units of training data: held by workers, given back, and not handed out yet.',
      ...{ unit: 'none', stacked: true, decimals: 0 },
      queries: one(`max by (state) (downpour_ps_leases{${JOB}})`, '{{state}}'),
    }),
    lines({
      title: 'CPU of parameter servers',
      description: 'Cores that each parameter server uses. Near 1, it limits the job.',
      ...{ unit: 'cores', softMax: 1 },
      queries: one(`max by (index) (rate(process_cpu_seconds_total{${JOB}, role="ps"}${RATE}))`, SHARD),
    }),
    lines({
      title: 'Memory of parameter servers',
      description: 'Resident memory of each parameter server.',
      unit: 'bytes',
      queries: one(`max by (index) (process_resident_memory_bytes{${JOB}, role="ps"})`, SHARD),
    }),
  ],
}

const SAVES = 'downpour_checkpoint_save_duration_seconds'
const SCORED = 'downpour_evaluator_evaluation_duration_seconds'

export const CHECKPOINTS: Row = {
  title: 'Checkpoints and restarts',
  panels: [
    lines({
      title: 'Time to save a checkpoint',
      description: 'The mean, and for how long pushes had to wait meanwhile.',
      ...{ unit: 's', sparse: true },
      noValue: 'No checkpoint was saved in this time.',
      queries: [
        { expr: mean(`${SAVES}_sum`, `${SAVES}_count`, JOB), legend: 'saved in' },
        {
          expr: mean('downpour_checkpoint_save_pause_seconds_total', `${SAVES}_count`, JOB),
          legend: 'pushes waited for',
        },
      ],
    }),
    lines({
      title: 'Steps lost',
      description: 'Steps that were taken again, because the parameter servers went back to a checkpoint.',
      ...EVENTS,
      queries: one(`round(max(increase(downpour_job_steps_lost_total{${JOB}}${RATE})))`, 'steps'),
    }),
    lines({
      title: 'Pods replaced',
      description: 'Pods that failed or were evicted and were replaced, by role.',
      ...EVENTS,
      queries: one(`round(sum by (role) (increase(downpour_job_pod_restarts_total{${JOB}}${RATE})))`, '{{role}}'),
    }),
    lines({
      title: 'Pods ready',
      description: 'Pods of each role that are ready. A step down is a pod that ended, failed or was evicted.',
      ...{ unit: 'none', decimals: 0, softMax: 1 },
      queries: one(`sum by (role) (downpour_job_pods_ready{${JOB}})`, '{{role}}'),
    }),
    lines({
      title: 'Steps that are not scored yet',
      description: 'From the newest scored checkpoint to the newest one. If it grows, the evaluator is too slow.',
      ...{ unit: 'none', decimals: 0, softMax: 1 },
      noValue: 'No checkpoint is scored.',
      queries: one(`max(downpour_job_checkpoint_step{${JOB}}) - max(downpour_evaluator_last_step{${JOB}})`, 'steps'),
    }),
    lines({
      title: 'Time to score a checkpoint',
      description: 'The mean over the checkpoints that were scored in the interval.',
      ...{ unit: 's', sparse: true },
      noValue: 'No checkpoint was scored in this time.',
      queries: one(mean(`${SCORED}_sum`, `${SCORED}_count`, JOB), 'scored in'),
    }),
  ],
}
