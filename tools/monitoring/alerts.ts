/** The alerts, as data: the chart fills in their thresholds, `deploy/monitoring` has them with the defaults. */
import { JOB_LEVEL, ON_JOB, perJob, rate, sumOfPods, whileRunning } from './expressions.ts'

export interface Alert {
  readonly name: string
  readonly severity: 'critical' | 'warning' | 'info'
  /** Default of `$threshold`, and what it counts. Absent: the alert has none. */
  readonly threshold?: number
  readonly expr: string
  /** Default of `$window`; 5 minutes if absent. */
  readonly window?: string
  /** At least two scrapes. */
  readonly for: string
  /** For causes that come and go. */
  readonly keepFiringFor?: string
  readonly summary: string
  readonly description: string
}

const JOB = '{{ $labels.kind }} {{ $labels.namespace }}/{{ $labels.job_name }}'
const OPERATOR = 'name="downpour-operator"'
/** A rate of errors counts only where something was tried at all. */
const controllerRate = (name: string) => perJob('sum', rate(`controller_runtime_reconcile_${name}_total`))

const OPERATOR_ALERTS: readonly Alert[] = [
  {
    name: 'DownpourOperatorDown',
    severity: 'critical',
    expr: `absent(leader_election_master_status{${OPERATOR}} == 1)`,
    for: '5m',
    summary: 'No Downpour operator leads.',
    description:
      'No scraped operator has held the lease for 5 minutes. Jobs go on training, but failed pods are not replaced and no job starts or ends.',
  },
  {
    name: 'DownpourReconcileErrors',
    severity: 'warning',
    threshold: 0.1,
    expr: `${controllerRate('errors')} / ${perJob('sum', rate('controller_runtime_reconcile_total'), ['result'])} > $threshold`,
    for: '15m',
    keepFiringFor: '5m',
    summary: 'Many reconciles of the Downpour operator fail.',
    description: '{{ $value | humanizePercentage }} of the reconciles fail and are retried.',
  },
  {
    name: 'DownpourReconcilePanics',
    severity: 'warning',
    expr: `${controllerRate('panics')} > 0`,
    for: '1m',
    keepFiringFor: '15m',
    summary: 'A bug of the Downpour operator makes reconciles fail.',
    description: 'Reconciles end with unexpected errors; the log of the operator has their stack traces.',
  },
  {
    name: 'DownpourQueueStuck',
    severity: 'warning',
    threshold: 120,
    expr: `${perJob('max', 'workqueue_longest_running_processor_seconds{name="job"}')} > $threshold`,
    for: '2m',
    summary: 'A reconcile of the Downpour operator does not end.',
    description: 'One reconcile has been running for {{ $value | humanizeDuration }}.',
  },
  {
    name: 'DownpourWatchSilent',
    severity: 'warning',
    threshold: 600,
    expr: `time() - ${perJob('max', 'downpour_watch_last_contact_timestamp_seconds')} > $threshold`,
    for: '2m',
    summary: 'The Downpour operator hears nothing from the API server.',
    description:
      'The watch of {{ $labels.resource }} has received no list, event or bookmark for {{ $value | humanizeDuration }}.',
  },
]

const CHECKPOINT_TIME = perJob('max', 'downpour_job_checkpoint_timestamp_seconds')
/** Also of its last resumption: the checkpoint of a job that was suspended for days is not the fault of the job. */
const START_TIME = perJob('max', 'downpour_job_start_timestamp_seconds')

const JOB_ALERTS: readonly Alert[] = [
  {
    name: 'DownpourParameterServerDown',
    severity: 'critical',
    expr: whileRunning('up{role="ps"} == 0'),
    for: '2m',
    summary: 'A parameter server cannot be scraped.',
    description: `Parameter server {{ $labels.index }} of ${JOB} has not answered for 2 minutes; no worker can train without it.`,
  },
  {
    name: 'DownpourTrainingStalled',
    severity: 'critical',
    expr: whileRunning(`${JOB_LEVEL}:downpour_ps_pushes_applied:rate == 0`),
    for: '5m',
    summary: 'A running job makes no progress.',
    description: `${JOB} is Running and its parameter server answers, but no push has been applied for minutes.`,
  },
  {
    name: 'DownpourWorkersMissing',
    severity: 'warning',
    threshold: 0.9,
    expr: whileRunning(
      `${perJob('max', 'downpour_job_pods_ready{role="worker"}')} / ${perJob('max', 'downpour_job_pods_desired{role="worker"}')} < $threshold`,
    ),
    for: '10m',
    summary: 'Workers of a job are missing.',
    description: `Only {{ $value | humanizePercentage }} of the workers of ${JOB} are running.`,
  },
  {
    name: 'DownpourPodsRestarting',
    severity: 'warning',
    threshold: 5,
    expr: whileRunning(`${perJob('sum', 'increase(downpour_job_pod_restarts_total[$window])', ['role'])} > $threshold`),
    window: '1h',
    for: '1m',
    keepFiringFor: '10m',
    summary: 'Pods of a job are replaced again and again.',
    description: `{{ $value | humanize }} pods of ${JOB} were replaced within an hour.`,
  },
  {
    name: 'DownpourWorkerSlow',
    severity: 'info',
    threshold: 3,
    expr: whileRunning(`${perJob('max', 'downpour_ps_worker_slowness_ratio', ['role', 'index'])} > $threshold`),
    for: '10m',
    keepFiringFor: '5m',
    summary: 'A worker pushes much less often than the others.',
    description: `Worker {{ $labels.worker }} of ${JOB} takes {{ $value | humanize }} times as long for a push as the median worker.`,
  },
  {
    name: 'DownpourStalenessHigh',
    severity: 'warning',
    threshold: 5,
    expr: whileRunning(
      `${JOB_LEVEL}:downpour_ps_staleness_steps:p99 / ${ON_JOB} ${perJob('max', 'downpour_job_pods_desired{role="worker"}', ['role'])} > $threshold`,
    ),
    for: '15m',
    keepFiringFor: '5m',
    summary: 'Gradients of a job are computed on very old weights.',
    description: `One of 100 gradients of ${JOB} is older than {{ $value | humanize }} updates for each worker, where 1 to 2 are usual.`,
  },
  {
    name: 'DownpourPushSlow',
    severity: 'warning',
    threshold: 1,
    expr: whileRunning(`${JOB_LEVEL}:downpour_ps_push_duration_seconds:p99 > $threshold`),
    for: '15m',
    keepFiringFor: '5m',
    summary: 'Parameter servers take long to apply pushes.',
    description: `The slowest 1% of the pushes of ${JOB} take longer than {{ $value | humanizeDuration }} to apply.`,
  },
  {
    name: 'DownpourNonFiniteGradients',
    severity: 'warning',
    threshold: 0.01,
    expr: whileRunning(`${JOB_LEVEL}:downpour_worker_nonfinite_gradients:ratio > $threshold`),
    for: '2m',
    keepFiringFor: '15m',
    summary: 'Workers of a job compute NaN or infinity.',
    description: `{{ $value | humanizePercentage }} of the gradients of ${JOB} are not finite and were dropped.`,
  },
  {
    name: 'DownpourDataWaitHigh',
    severity: 'info',
    threshold: 0.5,
    expr: whileRunning(`${JOB_LEVEL}:downpour_worker_data_wait:ratio > $threshold`),
    for: '15m',
    keepFiringFor: '5m',
    summary: 'Workers of a job wait for data most of the time.',
    description: `The workers of ${JOB} wait for data during {{ $value | humanizePercentage }} of their time.`,
  },
  {
    name: 'DownpourCheckpointFailing',
    severity: 'critical',
    expr: whileRunning(
      `${sumOfPods('increase(downpour_checkpoint_saves_total{result="failure"}[$window])', ['result'])} > 0`,
    ),
    window: '15m',
    for: '1m',
    keepFiringFor: '10m',
    summary: 'Checkpoints of a job cannot be saved.',
    description: `Saving a checkpoint of ${JOB} fails; a crash now would lose all steps since the last one.`,
  },
  {
    name: 'DownpourCheckpointTooOld',
    severity: 'warning',
    threshold: 7200,
    expr: whileRunning(`time() - (${CHECKPOINT_TIME} > ${START_TIME} or ${START_TIME}) > $threshold`),
    for: '5m',
    summary: 'The newest checkpoint of a running job is old.',
    description: `The newest checkpoint of ${JOB} is {{ $value | humanizeDuration }} old: that much work would be lost.`,
  },
]

export const ALERTS: readonly Alert[] = [...OPERATOR_ALERTS, ...JOB_ALERTS]
