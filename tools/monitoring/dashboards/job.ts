/** One job, from the loss to its checkpoints. */
import type { Annotation, Dashboard } from './builder.ts'
import { CHECKPOINTS, EXCHANGE, SHARDS } from './job-servers.ts'
import { LOSS, SUMMARY, WORKERS } from './job-training.ts'
import { JOB, JOB_VARIABLE, jobVariables, RATE, WORKER_VARIABLE } from './selectors.ts'

const ANNOTATIONS: readonly Annotation[] = [
  {
    name: 'Pods replaced',
    color: 'red',
    expr: `sum by (role) (increase(downpour_job_pod_restarts_total{${JOB}}${RATE})) > 0`,
    title: '{{role}} replaced',
  },
  {
    name: 'Checkpoints',
    color: 'green',
    expr: `max(downpour_checkpoint_last_success_timestamp_seconds{${JOB}, index="0"}) * 1000`,
    title: 'checkpoint',
    valueIsTime: true,
  },
  {
    name: 'Does not train',
    color: 'blue',
    expr: `max by (phase) (downpour_job_phase{${JOB}, phase!~"Running|Succeeded|Failed"} == 1)`,
    title: '{{phase}}',
  },
]

export const JOB_DASHBOARD: Dashboard = {
  uid: 'downpour-job',
  title: 'Downpour / Job',
  description: 'One job: loss, goodput, workers, exchange, staleness, parameter servers, checkpoints.',
  variables: [...jobVariables('one'), JOB_VARIABLE, WORKER_VARIABLE],
  annotations: ANNOTATIONS,
  rows: [SUMMARY, LOSS, WORKERS, EXCHANGE, SHARDS, CHECKPOINTS],
}
