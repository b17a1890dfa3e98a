/** The queries of Grafana's data source, over Prometheus' HTTP API. */
import { load } from 'js-yaml'
import { DownpourError, errorMessage } from '../../src/support/errors.ts'
import type { Sample, TimeRangeSeconds } from './dashboard-json.ts'
import { durationSeconds } from './intervals.ts'

export interface PrometheusApi {
  range(expr: string, range: TimeRangeSeconds, step: number): Promise<LabelledSamples[]>
  instant(expr: string, seconds: number): Promise<LabelledSamples[]>
  labelValues(label: string, series: string | undefined, range: TimeRangeSeconds): Promise<string[]>
  scrapeSeconds(): Promise<number>
}

export interface LabelledSamples {
  readonly labels: Readonly<Record<string, string>>
  readonly samples: readonly Sample[]
}

interface Result {
  readonly resultType: string
  readonly result: unknown
}
interface SeriesResult {
  readonly metric: Readonly<Record<string, string>>
  readonly value?: TextSample
  readonly values?: readonly TextSample[]
}
type TextSample = readonly [seconds: number, value: string]

const ANSWERS_WITHIN_MS = 30_000

export function prometheusApi(address: string): PrometheusApi {
  const get = <T>(path: string, parameters: Record<string, string> = {}) => request<T>(address, path, parameters)
  return {
    range: async (expr, { from, to }, step) => {
      const parameters = { query: expr, start: String(from), end: String(to), step: String(step) }
      return seriesOf(await get<Result>('query_range', parameters))
    },
    instant: async (expr, seconds) => seriesOf(await get<Result>('query', { query: expr, time: String(seconds) })),
    labelValues: (label, series, { from, to }) =>
      get(`label/${label}/values`, { ...(series && { 'match[]': series }), start: String(from), end: String(to) }),
    async scrapeSeconds() {
      const { yaml } = await get<{ yaml: string }>('status/config')
      const { global } = load(yaml) as { global: { scrape_interval: string } }
      return durationSeconds(global.scrape_interval)
    },
  }
}

/** @throws DownpourError PROMETHEUS_UNREACHABLE, or QUERY_REFUSED with what Prometheus says of the query */
async function request<T>(address: string, path: string, parameters: Record<string, string>): Promise<T> {
  const url = `${address.replace(/\/$/, '')}/api/v1/${path}?${new URLSearchParams(parameters)}`
  const answer = await fetch(url, { signal: AbortSignal.timeout(ANSWERS_WITHIN_MS) }).catch((error) => {
    throw new DownpourError('PROMETHEUS_UNREACHABLE', `no Prometheus answers at ${address}: ${reasonOf(error)}`)
  })
  const body = await bodyOf<T>(answer)
  if (body.status === 'success') return body.data
  const what = parameters.query ?? path
  throw new DownpourError('QUERY_REFUSED', `${address} refuses ${what}: ${body.error ?? `status ${answer.status}`}`)
}

async function bodyOf<T>(answer: Response): Promise<{ status?: string; data: T; error?: string }> {
  try {
    return (await answer.json()) as { status: string; data: T; error?: string }
  } catch (error) {
    throw new DownpourError('PROMETHEUS_UNREACHABLE', `${answer.url} is no Prometheus: ${errorMessage(error)}`)
  }
}

/** `fetch` hides the reason in the cause. */
function reasonOf(error: Error): string {
  return error.cause instanceof Error ? error.cause.message || error.message : error.message
}

function seriesOf({ resultType, result }: Result): LabelledSamples[] {
  if (resultType === 'scalar') return [{ labels: {}, samples: [numeric(result as TextSample)] }]
  return (result as SeriesResult[]).map(({ metric, value, values }) => ({
    labels: metric,
    samples: (values ?? (value ? [value] : [])).map(numeric),
  }))
}

/** JSON has no infinity, so Prometheus writes numbers as text. */
function numeric([seconds, value]: TextSample): Sample {
  return [seconds, Number(value.replace('Inf', 'Infinity'))]
}
