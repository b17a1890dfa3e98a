/** All jobs: what runs, what is in trouble, and what pre-training gives to the tasks. */
import { JOB_LEVEL } from '../expressions.ts'
import type { Dashboard, Row } from './builder.ts'
import type { Panel } from './panel.ts'
import { BY_JOB, CLUSTER, JOBS, jobVariables, PHASE_COLORS, RATE } from './selectors.ts'
import { EVENTS, lines, one, STAT_HEIGHT } from './shorthand.ts'
import type { Column } from './table.ts'

const ENDED = 'Succeeded|Failed'
const LEGEND = '{{namespace}}/{{job_name}}'

const count = (title: string, description: string, expr: string, more: Partial<Panel> = {}): Panel => ({
  ...{ type: 'stat', width: 3, height: STAT_HEIGHT, title, description, unit: 'none', decimals: 0 },
  queries: [{ expr: `${expr} or vector(0)`, legend: '' }],
  ...more,
})
const inPhase = (phases: string) => `sum(downpour_job_phase{${JOBS}, phase=~"${phases}"})`
const phaseOfUnended = `max by (${BY_JOB}, phase) (downpour_job_phase{${JOBS}, phase!~"${ENDED}"} == 1)`
/** Of an expression with one series a job. */
const ofUnended = (expr: string) => `(${expr}) and on (${BY_JOB}) ${phaseOfUnended}`
const perJob = (series: string, matchers = '') => `sum by (${BY_JOB}) (${series}{${JOBS}${matchers}})`

/** Values of the row that is clicked on. */
const field = (name: string) => `\${__data.fields.${name}}`
const jobColumn = (kind: string): Column => ({
  title: 'Job',
  link: {
    title: 'Dashboard of this job',
    url: `/d/downpour-job?var-datasource=$datasource&var-namespace=${field('Namespace')}&var-kind=${kind}&var-job=${field('Job')}&\${__url_time_range}`,
  },
})
/** Columns that name a job. */
const JOB_COLUMNS = {
  namespace: { title: 'Namespace' },
  kind: { title: 'Kind' },
  job_name: jobColumn(field('Kind')),
}

const NOW: Row = {
  title: 'Now',
  panels: [
    count('Running', 'Jobs that train.', inPhase('Running'), { width: 4 }),
    count('Starting', 'Jobs whose pods start.', inPhase('Starting')),
    count(
      'Waiting',
      'Jobs that wait for the checkpoint of another one, or for the operator.',
      inPhase('Waiting|Pending'),
    ),
    count('Suspended', 'Jobs that are suspended, or queued by Kueue.', inPhase('Suspended')),
    count('Failed', 'Jobs that have failed and still exist.', inPhase('Failed'), { redFrom: 1 }),
    count(
      'In trouble',
      'Jobs with condition Degraded, Stalled or CheckpointDegraded.',
      `count(max by (${BY_JOB}) (downpour_job_condition{${JOBS}} == 1))`,
      { redFrom: 1, width: 4 },
    ),
    count('Pods', 'Pods of all jobs that are ready.', `sum(downpour_job_pods_ready{${JOBS}})`, { width: 4 }),
  ],
}

const JOBS_ROW: Row = {
  title: 'Jobs',
  panels: [
    {
      ...{ type: 'table', width: 24, height: 9, title: 'Jobs that have not ended', unit: 'none', sortBy: 'Job' },
      description: 'What each of them does now. A click on its name opens its dashboard.',
      noValue: 'Every job has ended.',
      queries: [
        phaseOfUnended,
        ofUnended(`${perJob('downpour_job_step')} / ${perJob('downpour_job_max_steps')}`),
        ofUnended(`sum by (${BY_JOB}) (rate(downpour_worker_samples_total{${JOBS}}${RATE}))`),
        ofUnended(perJob('downpour_job_pods_ready', ', role="worker"')),
        ofUnended(perJob('downpour_job_pods_desired', ', role="worker"')),
        ofUnended(`max by (${BY_JOB}) (${JOB_LEVEL}:downpour_job_goodput:ratio{${JOBS}})`),
      ].map((expr) => ({ expr, legend: '' })),
      columns: {
        ...JOB_COLUMNS,
        phase: { title: 'Phase', colors: PHASE_COLORS, width: 110 },
        'Value #B': { title: 'Progress', unit: 'percentunit', decimals: 0, isBar: true },
        'Value #C': { title: 'Images a second', decimals: 0 },
        'Value #D': { title: 'Workers ready', width: 120 },
        'Value #E': { title: 'of', width: 60 },
        'Value #F': { title: 'Goodput', unit: 'percentunit', decimals: 0, width: 90 },
      },
    },
  ],
}

const TROUBLE: Row = {
  title: 'Trouble',
  panels: [
    {
      ...{ type: 'table', width: 12, height: 7, title: 'Problems', unit: 'none', sortBy: 'Job' },
      description: 'Conditions of jobs that need a look. `kubectl describe` says why.',
      noValue: 'No job is in trouble.',
      queries: [{ expr: `max by (${BY_JOB}, condition) (downpour_job_condition{${JOBS}} == 1)`, legend: '' }],
      columns: { ...JOB_COLUMNS, condition: { title: 'Condition' } },
    },
    {
      ...{ type: 'table', width: 12, height: 7, title: 'Alerts', unit: 'none', sortBy: 'Severity' },
      description: 'Alerts of Downpour that fire. Each has a runbook.',
      noValue: 'No alert fires.',
      queries: [
        {
          expr: `max by (alertname, severity, namespace, job_name) (ALERTS{${CLUSTER}, alertname=~"Downpour.+", alertstate="firing"})`,
          legend: '',
        },
      ],
      columns: {
        severity: { title: 'Severity', colors: { critical: 'red', warning: 'orange', info: 'blue' }, width: 100 },
        ...{ alertname: { title: 'Alert' }, namespace: { title: 'Namespace' }, job_name: { title: 'Job' } },
      },
    },
  ],
}

const INFO_LABELS = 'task, backbone, init, protocol, from'
const RESULTS: Row = {
  title: 'Transfer results',
  panels: [
    {
      ...{ type: 'table', width: 24, height: 9, title: 'Scores of FinetuneJobs', unit: 'none', sortBy: 'Task' },
      noValue: 'No FinetuneJob has been scored yet.',
      description:
        'The newest scores, with what each job starts from: `pretrained` beside `random` of the same task is what pre-training gives.',
      queries: [
        {
          expr: `max by (${BY_JOB}, metric) (downpour_job_result{${JOBS}, kind="FinetuneJob", metric!="loss"}) * on (${BY_JOB}) group_left (${INFO_LABELS}) max by (${BY_JOB}, ${INFO_LABELS}) (downpour_job_info{${JOBS}})`,
          legend: '',
        },
      ],
      columns: {
        ...{ task: { title: 'Task', width: 190 }, namespace: { title: 'Namespace', width: 120 } },
        ...{ job_name: jobColumn('FinetuneJob'), backbone: { title: 'Backbone', width: 120 } },
        init: { title: 'Weights', width: 110, colors: { pretrained: 'green', random: 'text' } },
        ...{ from: { title: 'From' }, protocol: { title: 'Trains', width: 110 } },
        ...{ metric: { title: 'Metric', width: 130 }, Value: { title: 'Score', decimals: 3, width: 90 } },
      },
    },
  ],
}

const SPEED: Row = {
  title: 'Speed',
  panels: [
    lines({
      title: 'Images a second',
      description: 'Images that the workers of each job compute.',
      unit: 'images/s',
      queries: one(`sum by (${BY_JOB}) (rate(downpour_worker_samples_total{${JOBS}}${RATE}))`, LEGEND),
    }),
    lines({
      title: 'Goodput',
      description: 'The share of its time since creation that each job has used for steps it kept.',
      ...{ unit: 'percentunit', max: 1 },
      queries: one(`max by (${BY_JOB}) (${JOB_LEVEL}:downpour_job_goodput:ratio{${JOBS}})`, LEGEND),
    }),
    lines({
      title: 'Pods replaced',
      description: 'Pods of each job that failed or were evicted and were replaced.',
      ...EVENTS,
      queries: one(`round(sum by (${BY_JOB}) (increase(downpour_job_pod_restarts_total{${JOBS}}${RATE})))`, LEGEND),
    }),
  ],
}

export const FLEET_DASHBOARD: Dashboard = {
  uid: 'downpour-fleet',
  title: 'Downpour / Fleet',
  description: 'All jobs: phases, problems, transfer results, speed.',
  variables: jobVariables('many'),
  annotations: [],
  rows: [NOW, JOBS_ROW, TROUBLE, RESULTS, SPEED],
}
