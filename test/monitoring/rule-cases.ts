/** For each alert: series that raise it from a known minute on, and series just below its threshold. */

export interface RuleCase {
  /** Series in promtool's notation, one value a minute. */
  readonly above: Readonly<Record<string, string>>
  /** The same, with values that must not raise it. Absent: the alert has no threshold that could be missed narrowly. */
  readonly below?: Readonly<Record<string, string>>
  /** Minute from which the condition holds with `above`. */
  readonly fromMinute: number
  /** Labels besides those of the job and the severity. */
  readonly labels?: Readonly<Record<string, string>>
}

/** The grace of 600 seconds is over in the first minute after it. */
const AFTER_GRACE = 11
const JOB = 'namespace="team", kind="PretrainJob", job_name="a"'
const target = (role: string, index = 0) =>
  `${JOB}, role="${role}", index="${index}", instance="10.0.0.1:9090", job="downpour"`
const operator = 'instance="10.0.0.9:8080", job="downpour"'

/** A job in phase Running since time 0. */
const RUNNING = {
  [`downpour_job_phase{${JOB}, phase="Running", ${operator}}`]: '1x300',
  [`downpour_job_start_timestamp_seconds{${JOB}, ${operator}}`]: '0x300',
}
const workers = (ready: number) => ({
  [`downpour_job_pods_ready{${JOB}, role="worker", ${operator}}`]: `${ready}x300`,
  [`downpour_job_pods_desired{${JOB}, role="worker", ${operator}}`]: '50x300',
})
const perMinute = (step: number) => `0+${step}x300`
const reconciles = (errors: number) => ({
  [`controller_runtime_reconcile_errors_total{controller="job", ${operator}}`]: perMinute(errors),
  [`controller_runtime_reconcile_total{controller="job", result="success", ${operator}}`]: perMinute(100 - errors),
  [`controller_runtime_reconcile_total{controller="job", result="error", ${operator}}`]: perMinute(errors),
})
/** @param old pushes of 100 between 129 and 256 steps; the quantile is interpolated there: 250 with 24, 5 for each worker */
const staleness = (old: number) => ({
  [`downpour_ps_staleness_steps_bucket{le="128", ${target('ps')}}`]: perMinute(100 - old),
  [`downpour_ps_staleness_steps_bucket{le="256", ${target('ps')}}`]: perMinute(100),
  [`downpour_ps_staleness_steps_bucket{le="+Inf", ${target('ps')}}`]: perMinute(100),
})
/** All pushes take longer than a second, or none does. */
const pushSeconds = (isSlow: boolean) => ({
  [`downpour_ps_push_duration_seconds_bucket{le="1", ${target('ps')}}`]: perMinute(isSlow ? 0 : 100),
  [`downpour_ps_push_duration_seconds_bucket{le="3", ${target('ps')}}`]: perMinute(100),
  [`downpour_ps_push_duration_seconds_bucket{le="+Inf", ${target('ps')}}`]: perMinute(100),
})
const gradients = (nonFinite: number) => ({
  [`downpour_worker_nonfinite_gradients_total{${target('worker')}}`]: perMinute(nonFinite),
  [`downpour_worker_steps_total{${target('worker')}}`]: perMinute(1000),
})
const waiting = (seconds: number) => ({
  [`downpour_worker_data_wait_seconds_total{${target('worker')}}`]: perMinute(seconds),
  [`downpour_worker_step_duration_seconds_sum{${target('worker')}}`]: perMinute(100 - seconds),
  [`downpour_worker_exchange_seconds_total{operation="push", ${target('worker')}}`]: perMinute(0),
})
const pushes = (step: number) => ({
  [`downpour_ps_pushes_total{result="applied", ${target('ps')}}`]: step === 0 ? '7x300' : perMinute(step),
})

export const RULE_CASES: Readonly<Record<string, RuleCase>> = {
  DownpourOperatorDown: {
    above: { [`leader_election_master_status{name="downpour-operator", ${operator}}`]: '0x300' },
    below: { [`leader_election_master_status{name="downpour-operator", ${operator}}`]: '1x300' },
    fromMinute: 0,
  },
  DownpourReconcileErrors: {
    above: reconciles(11),
    below: reconciles(10),
    fromMinute: 1,
    labels: { controller: 'job' },
  },
  DownpourReconcilePanics: {
    above: { [`controller_runtime_reconcile_panics_total{controller="job", ${operator}}`]: perMinute(1) },
    below: { [`controller_runtime_reconcile_panics_total{controller="job", ${operator}}`]: '3x300' },
    fromMinute: 1,
    labels: { controller: 'job' },
  },
  DownpourQueueStuck: {
    above: { [`workqueue_longest_running_processor_seconds{name="job", controller="job", ${operator}}`]: '121x300' },
    below: { [`workqueue_longest_running_processor_seconds{name="job", controller="job", ${operator}}`]: '120x300' },
    fromMinute: 0,
    labels: { name: 'job', controller: 'job' },
  },
  DownpourWatchSilent: {
    above: { [`downpour_watch_last_contact_timestamp_seconds{resource="pods", ${operator}}`]: '0x300' },
    below: { [`downpour_watch_last_contact_timestamp_seconds{resource="pods", ${operator}}`]: '0+60x300' },
    fromMinute: AFTER_GRACE,
    labels: { resource: 'pods' },
  },
  DownpourParameterServerDown: {
    above: { ...RUNNING, [`up{${target('ps', 1)}}`]: '0x300' },
    below: { ...RUNNING, [`up{${target('ps', 1)}}`]: '1x300' },
    fromMinute: AFTER_GRACE,
    labels: { role: 'ps', index: '1', instance: '10.0.0.1:9090', job: 'downpour' },
  },
  DownpourTrainingStalled: {
    above: { ...RUNNING, ...pushes(0) },
    below: { ...RUNNING, ...pushes(1) },
    fromMinute: AFTER_GRACE,
  },
  DownpourWorkersMissing: {
    above: { ...RUNNING, ...workers(44) },
    below: { ...RUNNING, ...workers(45) },
    fromMinute: AFTER_GRACE,
    labels: { role: 'worker' },
  },
  DownpourPodsRestarting: {
    above: { ...RUNNING, [`downpour_job_pod_restarts_total{${JOB}, role="worker", ${operator}}`]: perMinute(1) },
    below: { ...RUNNING, [`downpour_job_pod_restarts_total{${JOB}, role="worker", ${operator}}`]: '0 1 2 3 4 5x295' },
    fromMinute: AFTER_GRACE,
  },
  DownpourWorkerSlow: {
    above: { ...RUNNING, [`downpour_ps_worker_slowness_ratio{worker="4", ${target('ps')}}`]: '3.1x300' },
    below: { ...RUNNING, [`downpour_ps_worker_slowness_ratio{worker="4", ${target('ps')}}`]: '3x300' },
    fromMinute: AFTER_GRACE,
    labels: { worker: '4' },
  },
  DownpourStalenessHigh: {
    above: { ...RUNNING, ...workers(50), ...staleness(25) },
    below: { ...RUNNING, ...workers(50), ...staleness(20) },
    fromMinute: AFTER_GRACE,
  },
  DownpourPushSlow: {
    above: { ...RUNNING, ...pushSeconds(true) },
    below: { ...RUNNING, ...pushSeconds(false) },
    fromMinute: AFTER_GRACE,
  },
  DownpourNonFiniteGradients: {
    above: { ...RUNNING, ...gradients(11) },
    below: { ...RUNNING, ...gradients(10) },
    fromMinute: AFTER_GRACE,
  },
  DownpourDataWaitHigh: {
    above: { ...RUNNING, ...waiting(51) },
    below: { ...RUNNING, ...waiting(49) },
    fromMinute: AFTER_GRACE,
  },
  DownpourCheckpointFailing: {
    above: { ...RUNNING, [`downpour_checkpoint_saves_total{result="failure", ${target('ps')}}`]: perMinute(1) },
    below: { ...RUNNING, [`downpour_checkpoint_saves_total{result="failure", ${target('ps')}}`]: '3x300' },
    fromMinute: AFTER_GRACE,
  },
  DownpourCheckpointTooOld: {
    above: { ...RUNNING, [`downpour_job_checkpoint_timestamp_seconds{${JOB}, ${operator}}`]: '60x300' },
    below: { ...RUNNING, [`downpour_job_checkpoint_timestamp_seconds{${JOB}, ${operator}}`]: '60+60x300' },
    fromMinute: 122,
  },
}
export const JOB_LABELS = { namespace: 'team', kind: 'PretrainJob', job_name: 'a' }
