/** Series of jobs. Gauges are read from the operator's cache at each scrape, so a deleted job has no series. */
import { Counter, Gauge, type Registry } from 'prom-client'

export interface JobLabels {
  readonly namespace: string
  readonly kind: string
  readonly job_name: string
}

/** What the series of a job show. Times are seconds since 1970. */
export interface JobFigures {
  readonly labels: JobLabels
  /** Of `downpour_job_info`; absent for an invalid job. */
  readonly info?: Readonly<Record<InfoLabel, string>>
  readonly phase: string
  /** The conditions that are True. */
  readonly conditions: readonly string[]
  readonly roles: Readonly<Record<string, { desired: number; ready: number; restarts: number }>>
  readonly createdSeconds: number
  readonly startSeconds?: number | undefined
  /** Time in phase Running and time since creation, both until now or the end of the job. */
  readonly runningForSeconds: number
  readonly livedForSeconds: number
  readonly step?: number | undefined
  readonly maxSteps?: number | undefined
  readonly stepsLost: number
  readonly checkpoint?: { step: number; savedSeconds: number } | undefined
  /** Metrics of the newest evaluation. */
  readonly results: Readonly<Record<string, number>>
}

export const INFO_LABELS = ['task', 'backbone', 'preset', 'init', 'protocol', 'from'] as const
export type InfoLabel = (typeof INFO_LABELS)[number]

/** Problems. The other conditions are in the phase, or are no news. */
export const SHOWN_CONDITIONS = ['Degraded', 'Straggling', 'Stalled', 'CheckpointDegraded'] as const

type Sample = readonly [labels: Readonly<Record<string, string>>, value: number]
interface Series {
  readonly name: string
  readonly help: string
  readonly labelNames?: readonly string[]
  /** Only counters may do nothing but rise. */
  readonly type: typeof Gauge | typeof Counter
  readonly samples: (job: JobFigures, phases: readonly string[]) => readonly Sample[]
}

const one = (value: number | undefined): readonly Sample[] => (value === undefined ? [] : [[{}, value]])
const byRole = (pick: (role: JobFigures['roles'][string]) => number) => (job: JobFigures) =>
  Object.entries(job.roles).map(([role, figures]): Sample => [{ role }, pick(figures)])

const SERIES: readonly Series[] = [
  {
    name: 'downpour_job_info',
    help: 'Always 1; the labels tell what the job trains.',
    labelNames: INFO_LABELS,
    type: Gauge,
    samples: ({ info }) => (info ? [[info, 1]] : []),
  },
  {
    name: 'downpour_job_phase',
    help: '1 for the phase that the job is in.',
    labelNames: ['phase'],
    type: Gauge,
    samples: (job, phases) => phases.map((phase) => [{ phase }, phase === job.phase ? 1 : 0]),
  },
  {
    name: 'downpour_job_condition',
    help: '1 while the condition is True.',
    labelNames: ['condition'],
    type: Gauge,
    samples: ({ conditions }) =>
      SHOWN_CONDITIONS.map((condition) => [{ condition }, conditions.includes(condition) ? 1 : 0]),
  },
  {
    name: 'downpour_job_pods_desired',
    help: 'Pods that the spec asks for.',
    labelNames: ['role'],
    type: Gauge,
    samples: byRole(({ desired }) => desired),
  },
  {
    name: 'downpour_job_pods_ready',
    help: 'Pods that are running and ready.',
    labelNames: ['role'],
    type: Gauge,
    samples: byRole(({ ready }) => ready),
  },
  {
    name: 'downpour_job_pod_restarts_total',
    help: 'Pods that were replaced.',
    labelNames: ['role'],
    type: Counter,
    samples: byRole(({ restarts }) => restarts),
  },
  {
    name: 'downpour_job_created_timestamp_seconds',
    help: 'Time when the job was created.',
    type: Gauge,
    samples: ({ createdSeconds }) => one(createdSeconds),
  },
  {
    name: 'downpour_job_start_timestamp_seconds',
    help: 'Time when its pods were first created, resumed or admitted; no series while it is suspended or queued.',
    type: Gauge,
    samples: ({ startSeconds }) => one(startSeconds),
  },
  {
    name: 'downpour_job_running_seconds_total',
    help: 'Time that the job spent in phase Running.',
    type: Counter,
    samples: ({ runningForSeconds }) => one(runningForSeconds),
  },
  {
    name: 'downpour_job_lifetime_seconds_total',
    help: 'Time since the job was created, until it ended.',
    type: Counter,
    samples: ({ livedForSeconds }) => one(livedForSeconds),
  },
  {
    name: 'downpour_job_step',
    help: 'Global step of the job.',
    type: Gauge,
    samples: ({ step }) => one(step),
  },
  {
    name: 'downpour_job_max_steps',
    help: 'Global steps that the job is to take.',
    type: Gauge,
    samples: ({ maxSteps }) => one(maxSteps),
  },
  {
    name: 'downpour_job_steps_lost_total',
    help: 'Steps taken again, because the parameter servers went back to a checkpoint.',
    type: Counter,
    samples: ({ stepsLost }) => one(stepsLost),
  },
  {
    name: 'downpour_job_checkpoint_timestamp_seconds',
    help: 'Time when the newest checkpoint was saved.',
    type: Gauge,
    samples: ({ checkpoint }) => one(checkpoint?.savedSeconds),
  },
  {
    name: 'downpour_job_checkpoint_step',
    help: 'Global step of the newest checkpoint.',
    type: Gauge,
    samples: ({ checkpoint }) => one(checkpoint?.step),
  },
  {
    name: 'downpour_job_result',
    help: 'Metrics of the newest evaluation.',
    labelNames: ['metric'],
    type: Gauge,
    samples: ({ results }) => Object.entries(results).map(([metric, value]): Sample => [{ metric }, value]),
  },
]

export interface JobSeriesOptions {
  /** Called at each scrape. */
  readonly jobs: () => Iterable<JobFigures>
  /** All phases of a job. */
  readonly phases: readonly string[]
}

export function jobSeries(registry: Registry, { jobs, phases }: JobSeriesOptions): void {
  let figures: readonly JobFigures[] = []
  for (const [nth, { type: Type, samples, labelNames = [], ...named }] of SERIES.entries()) {
    const shown = Type === Counter ? neverFalling() : shownAsItIs
    new Type({
      ...named,
      labelNames: ['namespace', 'kind', 'job_name', ...labelNames],
      registers: [registry],
      collect() {
        // The registry collects in the order of registration: the first series reads the jobs once for all of them.
        if (nth === 0) figures = [...jobs()]
        this.reset()
        for (const [labels, value] of shown(figures, (job) => samples(job, phases))) this.inc({ ...labels }, value)
      },
    })
  }
}

type Shown = (jobs: readonly JobFigures[], samples: (job: JobFigures) => readonly Sample[]) => Iterable<Sample>

const shownAsItIs: Shown = function* (jobs, samples) {
  for (const job of jobs) for (const [labels, value] of samples(job)) yield [{ ...job.labels, ...labels }, value]
}

/**
 * A time that is read at a scrape is later than the one that the status gets when the phase changes, and is rounded
 * there. Prometheus would take the difference for a restart, and add the whole value once more.
 */
function neverFalling(): Shown {
  let before = new Map<string, number>()
  return function* (jobs, samples) {
    const highest = new Map<string, number>()
    for (const job of jobs)
      for (const [labels, value] of shownAsItIs([job], samples)) {
        // A job that was deleted and created again starts at zero.
        const key = JSON.stringify([job.createdSeconds, labels])
        highest.set(key, Math.max(before.get(key) ?? 0, Number.isFinite(value) ? value : 0))
        yield [labels, highest.get(key) ?? 0]
      }
    before = highest
  }
}
