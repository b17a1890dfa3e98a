/** The operator itself: leadership, reconciles, the queue, its requests and watches, its process. */
import type { Dashboard, Row } from './builder.ts'
import { CLUSTER_VARIABLE, OPERATOR, RATE } from './selectors.ts'
import { EVENTS, lines, mean, one, quantiles, stat } from './shorthand.ts'

const CONTROLLER = `${OPERATOR}, controller="job"`
/** Default metrics of Node are the same in every process; the operator's have no role. */
const PROCESS = `${OPERATOR}, role="", job_name=""`
const OF_OPERATOR = `and on (instance) group by (instance) (downpour_build_info{${OPERATOR}})`
/** Not found and conflict are usual answers, which the operator expects. */
const FAILED_CODES = 'code!~"2..|404|409"'
const LIMITER = 'rest_client_rate_limiter_duration_seconds'
const FAILURES = { unit: 'none', decimals: 0, redFrom: 1 } as const

const total = (series: string, selector: string) => `round(sum(increase(${series}{${selector}}${RATE})))`
const byResource = (series: string) => `round(sum by (resource) (increase(${series}{${OPERATOR}}${RATE})))`

const NOW: Row = {
  title: 'Now',
  panels: [
    stat({
      title: 'Leaders',
      description: 'Processes that hold the lease. It is 1, and 0 for a moment when another one takes over.',
      ...{ unit: 'none', decimals: 0, yellowBelow: 1, redFrom: 2 },
      expr: `sum(leader_election_master_status{${OPERATOR}})`,
    }),
    stat({
      title: 'Failed reconciles',
      description: 'Reconciles that ended with an error and are tried again after a back-off.',
      ...FAILURES,
      expr: total('controller_runtime_reconcile_errors_total', CONTROLLER),
    }),
    stat({
      title: 'Bugs',
      description: 'Reconciles that ended with an unexpected error. The log has the stack trace.',
      ...FAILURES,
      expr: total('controller_runtime_reconcile_panics_total', CONTROLLER),
    }),
    stat({
      title: 'Failed requests',
      description: 'Requests that the API server refused or did not answer, apart from conflicts and absent objects.',
      ...FAILURES,
      expr: `${total('rest_client_requests_total', `${OPERATOR}, ${FAILED_CODES}`)} or vector(0)`,
    }),
    stat({
      title: 'Silence of watches',
      description: 'Time since the quietest watch was heard. Above two minutes, the operator does not see changes.',
      ...{ unit: 's', decimals: 0, redFrom: 120 },
      expr: `time() - min(downpour_watch_last_contact_timestamp_seconds{${OPERATOR}})`,
    }),
    stat({
      title: 'Running for',
      description: 'Time since the process of the operator started. It falls when the process is restarted.',
      ...{ unit: 's', decimals: 0 },
      expr: `time() - max(process_start_time_seconds{${PROCESS}} ${OF_OPERATOR})`,
    }),
  ],
}

const RECONCILES: Row = {
  title: 'Reconciles',
  panels: [
    lines({
      title: 'Reconciles a second',
      description: 'By result. `error` is retried after a back-off.',
      unit: 'reconciles/s',
      queries: one(`sum by (result) (rate(controller_runtime_reconcile_total{${CONTROLLER}}${RATE}))`, '{{result}}'),
    }),
    lines({
      title: 'Time of a reconcile',
      description: 'From observing a job to its written status. It is far below a second.',
      unit: 's',
      queries: quantiles('controller_runtime_reconcile_time_seconds', CONTROLLER),
    }),
    lines({
      title: 'Jobs that came and ended',
      description: 'Jobs that were created, succeeded, failed or were deleted, in each interval.',
      ...EVENTS,
      queries: ['created', 'succeeded', 'failed', 'deleted'].map((legend) => ({
        ...{ legend, expr: total(`downpour_jobs_${legend}_total`, OPERATOR) },
      })),
    }),
  ],
}

const QUEUE: Row = {
  title: 'Work queue',
  panels: [
    lines({
      title: 'Jobs that wait',
      description: 'Jobs whose reconcile has not begun. It falls back to 0 after each burst.',
      ...{ unit: 'none', softMax: 1, decimals: 0 },
      queries: one(`max(workqueue_depth{${CONTROLLER}})`, 'waiting'),
    }),
    lines({
      title: 'Time in the queue',
      description: 'How long a job waits for its reconcile.',
      unit: 's',
      queries: quantiles('workqueue_queue_duration_seconds', CONTROLLER),
    }),
    lines({
      title: 'Oldest running reconcile',
      description: 'Above some seconds, a reconcile is stuck.',
      ...{ unit: 's', softMax: 1 },
      queries: one(`max(workqueue_longest_running_processor_seconds{${CONTROLLER}})`, 'oldest'),
    }),
  ],
}

const REQUESTS: Row = {
  title: 'API server',
  panels: [
    lines({
      title: 'Requests a second',
      description: 'Requests to the API server, by status code.',
      unit: 'reqps',
      queries: one(`sum by (code) (rate(rest_client_requests_total{${OPERATOR}}${RATE}))`, '{{code}}'),
    }),
    lines({
      title: 'Time of a request',
      description: 'Until the headers of the answer, by method: 99th percentile.',
      ...{ unit: 's', sparse: true },
      queries: one(
        `histogram_quantile(0.99, sum by (le, verb) (rate(rest_client_request_duration_seconds_bucket{${OPERATOR}}${RATE})))`,
        '{{verb}}',
      ),
    }),
    lines({
      title: 'Waiting for the rate limit',
      description: 'How long requests wait for their turn, on average. Above some 10 ms, the limit slows the operator.',
      ...{ unit: 's', softMax: 0.01 },
      queries: one(mean(`${LIMITER}_sum`, `${LIMITER}_count`, OPERATOR), 'mean'),
    }),
    lines({
      title: 'Silence of each watch',
      description: 'Time since the last list, event or bookmark. Bookmarks come every minute.',
      unit: 's',
      queries: one(
        `time() - max by (resource) (downpour_watch_last_contact_timestamp_seconds{${OPERATOR}})`,
        '{{resource}}',
      ),
    }),
    lines({
      title: 'Watches that broke',
      description: 'Watches that were started again, by resource, and full lists of all, in each interval.',
      ...EVENTS,
      queries: [
        { expr: byResource('downpour_watch_reconnects_total'), legend: '{{resource}}' },
        { expr: total('downpour_watch_relists_total', OPERATOR), legend: 'full lists' },
      ],
    }),
    lines({
      title: 'Errors of watches',
      description: 'Failed lists and watches in each interval.',
      ...EVENTS,
      queries: one(byResource('downpour_watch_errors_total'), '{{resource}}'),
    }),
  ],
}

const PROCESS_ROW: Row = {
  title: 'Process',
  panels: [
    lines({
      title: 'CPU',
      description: 'Cores that the operator uses.',
      ...{ unit: 'cores', softMax: 0.1 },
      queries: one(
        `sum by (instance) (rate(process_cpu_seconds_total{${PROCESS}}${RATE})) ${OF_OPERATOR}`,
        '{{instance}}',
      ),
    }),
    lines({
      title: 'Memory',
      description: 'Resident memory. The chart limits it to 512 MiB.',
      unit: 'bytes',
      queries: one(`max by (instance) (process_resident_memory_bytes{${PROCESS}}) ${OF_OPERATOR}`, '{{instance}}'),
    }),
    lines({
      title: 'Event loop',
      description: 'Lag of the event loop: 99th percentile.',
      unit: 's',
      queries: one(`max by (instance) (nodejs_eventloop_lag_p99_seconds{${PROCESS}}) ${OF_OPERATOR}`, '{{instance}}'),
    }),
  ],
}

export const OPERATOR_DASHBOARD: Dashboard = {
  uid: 'downpour-operator',
  title: 'Downpour / Operator',
  description: 'The operator: leadership, reconciles, the queue, requests and watches, its process.',
  variables: [CLUSTER_VARIABLE],
  annotations: [
    {
      name: 'Leader changes',
      color: 'orange',
      expr: `changes(leader_election_master_status{${OPERATOR}}${RATE}) > 0`,
      title: 'leader changed',
    },
  ],
  rows: [NOW, RECONCILES, QUEUE, REQUESTS, PROCESS_ROW],
}
