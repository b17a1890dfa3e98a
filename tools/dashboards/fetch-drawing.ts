/** Asks Prometheus everything that a dashboard shows. */
import { eventsOf } from './annotation-events.ts'
import {
  type AnnotationEvent,
  COLUMN_PIXELS,
  type DashboardJson,
  type Drawing,
  type PanelJson,
  panelsOf,
  type Series,
  type TargetJson,
  type TimeRangeSeconds,
} from './dashboard-json.ts'
import { alignRange, durationSeconds, intervalChoices, stepSeconds } from './intervals.ts'
import { legendOf } from './legend.ts'
import type { PrometheusApi } from './prometheus-api.ts'
import { type Choice, type Choices, choose, interpolate, interpolateText, parseLabelValues } from './variables.ts'

export interface Question {
  readonly dashboard: DashboardJson
  readonly range: TimeRangeSeconds
  readonly wanted: Wanted
}
/** Values that the user named, by variable, or by `dashboard:variable` where that of one dashboard is meant. */
export type Wanted = ReadonlyMap<string, readonly string[]>
export type FetchedDrawing = Omit<Drawing, 'theme' | 'caption'>

interface Source {
  readonly api: PrometheusApi
  readonly range: TimeRangeSeconds
  readonly scrape: number
  readonly choices: Choices
}

/** About the width of a page in pixels. */
const ANNOTATION_POINTS = 1000
const HIDDEN = 2

export async function fetchDrawing(
  api: PrometheusApi,
  { dashboard, range, wanted }: Question,
): Promise<FetchedDrawing> {
  const choices = await chooseAll(api, { dashboard, range, wanted })
  const source = { api, range, choices, scrape: await api.scrapeSeconds() }
  const series: Record<number, readonly Series[]> = {}
  for (const panel of panelsOf(dashboard)) series[panel.id] = await fetchPanel(source, panel)
  const panels = dashboard.panels.map((panel) => ({ ...panel, title: interpolateText(panel.title, choices) }))
  return {
    ...{ dashboard: { ...dashboard, panels }, series, range },
    events: await fetchEvents(source, dashboard),
    choices: visibleChoices(dashboard, choices),
  }
}

/** One after the other, because the query of a variable may contain those before it. */
async function chooseAll(api: PrometheusApi, { dashboard, range, wanted }: Question): Promise<Choices> {
  const choices = new Map<string, Choice>()
  for (const variable of dashboard.templating.list) {
    if (variable.type !== 'query') continue
    const { series, label } = parseLabelValues(variable)
    const found = await api.labelValues(label, series && interpolate(series, choices), range)
    choices.set(variable.name, choose(variable, found, wanted.get(variable.name)))
  }
  return choices
}

function visibleChoices({ templating }: DashboardJson, choices: Choices): [string, string][] {
  const visible = templating.list.filter(({ name, hide }) => hide !== HIDDEN && choices.has(name))
  return visible.map(({ name, label }) => [label ?? name, choices.get(name)?.text ?? ''])
}

async function fetchPanel(source: Source, { targets = [], gridPos }: PanelJson): Promise<Series[]> {
  const step = stepSeconds(source.range, Math.round(gridPos.w * COLUMN_PIXELS), source.scrape)
  const all = await Promise.all(targets.map((target) => fetchTarget(source, target, step)))
  return all.flat()
}

async function fetchTarget(source: Source, target: TargetJson, step: number): Promise<Series[]> {
  const { api, range } = source
  const expr = promqlOf(source, target.expr, step)
  const found = target.instant
    ? await api.instant(expr, range.to)
    : await api.range(expr, alignRange(range, step), step)
  return found.map(({ labels, samples }) => ({
    ...{ refId: target.refId, labels, samples, isRow: target.format === 'table' },
    ...(!target.instant && { stepSeconds: step }),
    legend: legendOf(target.legendFormat, labels, expr),
  }))
}

function promqlOf({ range, scrape, choices }: Source, expr: string, step: number): string {
  return interpolate(expr, new Map([...choices, ...intervalChoices(range, step, scrape)]))
}

async function fetchEvents(source: Source, { annotations }: DashboardJson): Promise<AnnotationEvent[]> {
  const events: AnnotationEvent[] = []
  for (const annotation of annotations.list) {
    if (!annotation.expr || annotation.enable === false) continue
    const shortest = Math.max(durationSeconds(annotation.step ?? '1m'), source.scrape)
    const step = stepSeconds(source.range, ANNOTATION_POINTS, shortest)
    const expr = promqlOf(source, annotation.expr, step)
    const found = await source.api.range(expr, alignRange(source.range, step), step)
    events.push(...found.flatMap(({ labels, samples }) => eventsOf(annotation, labels, samples, step)))
  }
  return events
}
