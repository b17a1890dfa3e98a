/** Rows of the job dashboard about training: what the job does now, its loss, its workers. */
import { JOB_LEVEL } from '../expressions.ts'
import type { Row } from './builder.ts'
import { JOB, PHASE_COLORS, RATE } from './selectors.ts'
import { lines, one, quantiles, stat } from './shorthand.ts'

export const SUMMARY: Row = {
  title: 'Job',
  panels: [
    stat({
      title: 'Phase',
      description: 'The phase of the job.',
      unit: 'none',
      expr: `max by (phase) (downpour_job_phase{${JOB}} == 1)`,
      legend: '{{phase}}',
      names: PHASE_COLORS,
    }),
    stat({
      title: 'Progress',
      description: 'Global steps of those that the job is to take. It falls when the job goes back to a checkpoint.',
      ...{ unit: 'percentunit', width: 3, decimals: 0, min: 0, max: 1 },
      expr: `max(downpour_job_step{${JOB}}) / max(downpour_job_max_steps{${JOB}})`,
    }),
    stat({
      title: 'Time left',
      description: 'Until the last step, at the speed of now.',
      ...{ unit: 's', width: 3, decimals: 0 },
      expr: `(max(downpour_job_max_steps{${JOB}}) - max(downpour_job_step{${JOB}})) / (max(deriv(downpour_job_step{${JOB}}${RATE})) > 0)`,
    }),
    stat({
      title: 'Goodput',
      description:
        'The share of the time since the job was created that went into steps it has kept: time in Running, less steps that were lost. Below 0.9, look at restarts and checkpoints.',
      ...{ unit: 'percentunit', width: 3, decimals: 0, min: 0, max: 1 },
      expr: `max(${JOB_LEVEL}:downpour_job_goodput:ratio{${JOB}})`,
    }),
    stat({
      title: 'Images a second',
      description: 'Images that all workers together compute.',
      ...{ unit: 'none', decimals: 0 },
      expr: `sum(rate(downpour_worker_samples_total{${JOB}}${RATE}))`,
    }),
    stat({
      title: 'Workers',
      description: 'Workers that are running, of those that the spec asks for.',
      ...{ unit: 'percentunit', width: 3, decimals: 0, min: 0, max: 1, yellowBelow: 1 },
      expr: `sum(downpour_job_pods_ready{${JOB}, role="worker"}) / sum(downpour_job_pods_desired{${JOB}, role="worker"})`,
    }),
    stat({
      title: 'Checkpoint age',
      description: 'Work that a crash of the parameter servers would lose.',
      ...{ unit: 's', width: 4, decimals: 0, noValue: 'none yet' },
      expr: `time() - max(downpour_job_checkpoint_timestamp_seconds{${JOB}})`,
    }),
  ],
}

const LOSS_OF_WORKERS = `downpour_worker_loss{${JOB}}`

export const LOSS: Row = {
  title: 'Loss and scores',
  panels: [
    lines({
      title: 'Training loss',
      description:
        'The mean loss of the last batch of all workers, and the highest and lowest. It falls, at first fast.',
      ...{ unit: 'none', width: 12, min: 'auto' },
      queries: [
        { expr: `avg(${LOSS_OF_WORKERS})`, legend: 'mean' },
        { expr: `max(${LOSS_OF_WORKERS})`, legend: 'highest' },
        { expr: `min(${LOSS_OF_WORKERS})`, legend: 'lowest' },
      ],
    }),
    lines({
      title: 'Scores of checkpoints',
      description: 'The metrics of the newest checkpoint that the evaluator has scored.',
      ...{ unit: 'none', width: 6, min: 'auto', decimals: 2 },
      noValue: 'No checkpoint is scored.',
      queries: one(`max by (metric) (downpour_job_result{${JOB}, metric!="loss"})`, '{{metric}}'),
    }),
    lines({
      title: 'Learning rate',
      description: 'The rate of the next update, by the schedule of the job.',
      ...{ unit: 'none', width: 6 },
      queries: one(`max(downpour_ps_learning_rate{${JOB}, index="0"})`, 'learning rate'),
    }),
  ],
}

export const WORKERS: Row = {
  title: 'Workers',
  panels: [
    lines({
      title: 'Pushes of each worker',
      description: 'Applied pushes a second. A worker far below the others is slow or starved of data.',
      unit: 'pushes/s',
      queries: one(
        `sum by (worker) (rate(downpour_ps_worker_pushes_applied_total{${JOB}, worker=~"$worker"}${RATE}))`,
        'worker {{worker}}',
      ),
    }),
    lines({
      title: 'Slowness of each worker',
      description:
        'Time between the pushes of a worker, divided by the median over workers: 1 is usual, above 3 raises an alert.',
      ...{ unit: 'none', log: true, redFrom: 3 },
      queries: one(
        `max by (worker) (downpour_ps_worker_slowness_ratio{${JOB}, worker=~"$worker"})`,
        'worker {{worker}}',
      ),
    }),
    lines({
      title: 'Where workers spend their time',
      description: 'Computing, waiting for data, pulling weights and pushing gradients, of all workers together.',
      ...{ unit: 'percentunit', max: 1, stacked: true },
      queries: [
        ['compute', 'downpour_worker_step_duration_seconds_sum', ''],
        ['data', 'downpour_worker_data_wait_seconds_total', ''],
        ['pull', 'downpour_worker_exchange_seconds_total', ', operation="pull"'],
        ['push', 'downpour_worker_exchange_seconds_total', ', operation="push"'],
      ].map(([legend = '', series, operation]) => ({
        legend,
        expr: `sum(rate(${series}{${JOB}${operation}}${RATE})) / sum(${timeOfWorkers()})`,
      })),
    }),
    lines({
      title: 'Time of a step',
      description: 'Forward and backward pass of one batch: median and 99th percentile over workers.',
      unit: 's',
      queries: quantiles('downpour_worker_step_duration_seconds', JOB),
    }),
    lines({
      title: 'Gradients that were not applied',
      description: 'Pushes by the reason for which they were dropped. A few after a restart are usual; NaN is not.',
      ...{ unit: 'pushes/s', softMax: 1 },
      queries: [
        {
          expr: `sum by (result) (rate(downpour_ps_pushes_total{${JOB}, index="0", result!="applied"}${RATE}))`,
          legend: '{{result}}',
        },
        { expr: `sum(rate(downpour_worker_nonfinite_gradients_total{${JOB}}${RATE}))`, legend: 'NaN in the worker' },
      ],
    }),
    lines({
      title: 'Memory of workers',
      description: 'Resident memory of each worker. It is flat once training runs.',
      unit: 'bytes',
      queries: one(`max by (index) (process_resident_memory_bytes{${JOB}, role="worker"})`, 'worker {{index}}'),
    }),
  ],
}

function timeOfWorkers(): string {
  return [
    `rate(downpour_worker_step_duration_seconds_sum{${JOB}}${RATE})`,
    `rate(downpour_worker_data_wait_seconds_total{${JOB}}${RATE})`,
    `sum without (operation) (rate(downpour_worker_exchange_seconds_total{${JOB}}${RATE}))`,
  ].join(' + ')
}
