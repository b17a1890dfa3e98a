/** Metrics of the requests to the API server, with the names of client-go. */
import { Counter, Histogram, type Registry } from 'prom-client'

const SECONDS = [0.005, 0.025, 0.1, 0.25, 0.5, 1, 2, 4, 8, 15, 30, 60]
/** Label `code` of a request without an answer, as in client-go. */
const NO_ANSWER = '<error>'

interface RequestFacts {
  readonly method: string
  readonly host: string
}

/** @returns an observer for KubeClient */
export function restClientMetrics(registry: Registry) {
  const registers = [registry]
  const requests = new Counter({
    name: 'rest_client_requests_total',
    help: 'Requests to the API server by status code, method and host; each attempt counts.',
    labelNames: ['code', 'method', 'host'],
    registers,
  })
  const retries = new Counter({
    name: 'rest_client_request_retries_total',
    help: 'Requests repeated after a failure, by its status code.',
    labelNames: ['code', 'verb', 'host'],
    registers,
  })
  const histogram = (name: string, help: string) =>
    new Histogram({ name, help, labelNames: ['verb', 'host'], buckets: SECONDS, registers })
  const duration = histogram('rest_client_request_duration_seconds', 'Time until the headers of an answer.')
  const limited = histogram(
    'rest_client_rate_limiter_duration_seconds',
    'Time that a request waited for the rate limit.',
  )
  return {
    /** @param status 0: there was no answer */
    answered({ method, host }: RequestFacts, status: number, seconds: number) {
      requests.inc({ code: codeOf(status), method, host })
      duration.observe({ verb: method, host }, seconds)
    },
    retried: ({ method, host }: RequestFacts, status: number) =>
      retries.inc({ code: codeOf(status), verb: method, host }),
    limited: ({ method, host }: RequestFacts, seconds: number) => limited.observe({ verb: method, host }, seconds),
  }
}

function codeOf(status: number): string {
  return status === 0 ? NO_ANSWER : String(status)
}
