/** The rules as files: with placeholders for the chart, and filled in with the defaults for `deploy/monitoring`. */
import { dump } from 'js-yaml'
import { ALERTS, type Alert } from './alerts.ts'
import { RECORDING_RULES } from './recording-rules.ts'

/** Values of the placeholders of all rules. */
export interface RuleValues {
  readonly cluster: string
  /** Of rates, such as 5m. */
  readonly window: string
  /** Seconds after a start in which a job raises no alert. */
  readonly graceSeconds: number
  /** Prefix of the address of a runbook; the name of the alert and .md follow. */
  readonly runbookUrl: string
}

/** What the values of the chart set for one alert. */
export interface AlertValues {
  readonly enabled: boolean
  readonly severity: Alert['severity']
  readonly for: string
  readonly threshold?: number
  readonly window?: string
  readonly keepFiringFor?: string
}

export const DEFAULTS: RuleValues = {
  cluster: 'cluster',
  window: '5m',
  graceSeconds: 600,
  runbookUrl: 'https://downpour.dev/docs/runbooks/',
}

export const GROUPS = { recording: 'downpour.rules', alerts: 'downpour.alerts' }

/** For the chart: the expressions keep their placeholders. */
export function chartRules(): string {
  const alerts = ALERTS.map((alert) => {
    const { name, expr, summary, description } = alert
    return { name, expr, summary, description, defaults: alertDefaults(alert) }
  })
  return `${JSON.stringify({ recording: RECORDING_RULES, alerts }, null, 2)}\n`
}

export function alertDefaults({ severity, threshold, window, keepFiringFor, ...alert }: Alert): AlertValues {
  return {
    ...{ enabled: true, severity },
    ...(threshold !== undefined && { threshold }),
    for: alert.for,
    ...(window !== undefined && { window }),
    ...(keepFiringFor !== undefined && { keepFiringFor }),
  }
}

/** A file of rules for Prometheus. @param own replaces values of single alerts */
export function plainRules(values: RuleValues = DEFAULTS, own: Readonly<Record<string, Partial<AlertValues>>> = {}) {
  const recording = RECORDING_RULES.map(({ record, expr }) => ({ record, expr: fill(expr, values) }))
  const alerts = ALERTS.map((alert) => alertRule(alert, values, { ...alertDefaults(alert), ...own[alert.name] }))
  const groups = [
    { name: GROUPS.recording, rules: recording },
    { name: GROUPS.alerts, rules: alerts },
  ]
  return dump({ groups }, { lineWidth: 120 })
}

function alertRule({ name, expr, summary, description }: Alert, values: RuleValues, own: Partial<AlertValues>) {
  const { threshold, window = values.window, keepFiringFor, severity } = own
  return {
    alert: name,
    expr: fill(expr, { ...values, window, threshold }),
    for: own.for,
    ...(keepFiringFor !== undefined && { keep_firing_for: keepFiringFor }),
    labels: { severity },
    annotations: { summary, description, runbook_url: `${values.runbookUrl}${name}.md` },
  }
}

export function fill(expr: string, values: RuleValues & { threshold?: number | undefined }): string {
  return expr
    .replaceAll('$cluster', values.cluster)
    .replaceAll('$window', values.window)
    .replaceAll('$grace', String(values.graceSeconds))
    .replaceAll('$threshold', String(values.threshold))
}
