/** Recording rules: what alerts and dashboards share. Names are level:metric:operations; sums are divided, never averaged. */
import { JOB_LEVEL, ON_JOB, perJob, rate, sumOfPods } from './expressions.ts'

export interface RecordingRule {
  readonly record: string
  readonly expr: string
}

/** Parameter server 0 sees each push of the job once; the others see parts of the same pushes. */
const FIRST = 'index="0"'

function quantile(histogram: string, selector = ''): string {
  return `histogram_quantile(0.99, ${sumOfPods(rate(`${histogram}_bucket${selector}`))})`
}

function meanOf(histogram: string, selector: string): string {
  const part = (suffix: string) => sumOfPods(rate(`${histogram}_${suffix}{${selector}}`))
  return `${part('sum')} / ${part('count')}`
}

/** What share of a worker's time it spends on something. */
function shareOfTime(seconds: string): string {
  const all = [
    'downpour_worker_step_duration_seconds_sum',
    'downpour_worker_data_wait_seconds_total',
    'downpour_worker_exchange_seconds_total',
  ].map((series) => sumOfPods(rate(series), ['operation']))
  return `${sumOfPods(rate(seconds), ['operation'])} / (${all.join(' + ')})`
}

const ofJob = (name: string, expr: string): RecordingRule => ({ record: `${JOB_LEVEL}:${name}`, expr })

export const RECORDING_RULES: readonly RecordingRule[] = [
  ofJob(
    'downpour_job_phase:running',
    [
      perJob('max', 'downpour_job_phase{phase="Running"} == 1', ['phase']),
      `(time() - ${perJob('max', 'downpour_job_start_timestamp_seconds')} > $grace)`,
    ].join(` and ${ON_JOB} `),
  ),
  ofJob(
    'downpour_job_goodput:ratio',
    [
      `(${perJob('max', 'downpour_job_running_seconds_total')} / ${perJob('max', 'downpour_job_lifetime_seconds_total')})`,
      `(1 - ${perJob('max', 'downpour_job_steps_lost_total')} / clamp_min(${perJob('max', 'downpour_job_step')} + ${perJob('max', 'downpour_job_steps_lost_total')}, 1))`,
    ].join(' * '),
  ),
  ofJob(
    'downpour_ps_pushes_applied:rate',
    sumOfPods(rate(`downpour_ps_pushes_total{${FIRST}, result="applied"}`), ['result']),
  ),
  ofJob('downpour_ps_staleness_steps:mean', meanOf('downpour_ps_staleness_steps', FIRST)),
  ofJob('downpour_ps_staleness_steps:p99', quantile('downpour_ps_staleness_steps', `{${FIRST}}`)),
  ofJob('downpour_ps_push_duration_seconds:p99', quantile('downpour_ps_push_duration_seconds')),
  ofJob('downpour_ps_pull_duration_seconds:p99', quantile('downpour_ps_pull_duration_seconds')),
  ofJob('downpour_worker_samples:rate', sumOfPods(rate('downpour_worker_samples_total'))),
  ofJob('downpour_worker_data_wait:ratio', shareOfTime('downpour_worker_data_wait_seconds_total')),
  ofJob('downpour_worker_exchange:ratio', shareOfTime('downpour_worker_exchange_seconds_total')),
  ofJob(
    'downpour_worker_nonfinite_gradients:ratio',
    `${sumOfPods(rate('downpour_worker_nonfinite_gradients_total'))} / ${sumOfPods(rate('downpour_worker_steps_total'))}`,
  ),
]
