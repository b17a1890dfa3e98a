/** Draws every dashboard of a folder, and tells which of their panels are empty. */
import { readdir, readFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { DownpourError, errorMessage } from '../../src/support/errors.ts'
import type { Progress } from '../cluster/progress.ts'
import { type Painter, startPainter } from './browser.ts'
import type { DashboardJson } from './dashboard-json.ts'
import { type EmptyQuery, emptyQueries } from './empty-queries.ts'
import { type FetchedDrawing, fetchDrawing, type Wanted } from './fetch-drawing.ts'
import type { Options } from './options.ts'
import { prometheusApi } from './prometheus-api.ts'

export type DrawOptions = Pick<Options, 'range' | 'wanted' | 'dashboards' | 'themes' | 'out'> & {
  readonly prometheus: string
}

/** @returns queries without data that have no reason to be empty */
export async function drawAll(options: DrawOptions, { step, say }: Progress): Promise<EmptyQuery[]> {
  const files = await dashboardFiles(options.dashboards)
  const api = prometheusApi(options.prometheus)
  const drawings = new Map<string, FetchedDrawing>()
  for (const file of files) {
    const dashboard = await readDashboard(file)
    const wanted = wantedOf(options.wanted, basename(file, '.json'))
    const fetched = step(`asking Prometheus for ${dashboard.title}`, () =>
      fetchDrawing(api, { dashboard, wanted, range: options.range }),
    )
    drawings.set(file, await fetched)
  }
  const painter = await step("bundling Grafana's panel components", startPainter)
  try {
    for (const [file, drawing] of drawings) await paintThemes(painter, file, drawing, options)
  } finally {
    await painter.close()
  }
  say(`the pictures are in ${options.out}`)
  return [...drawings.values()].flatMap((drawing) => report(drawing, say))
}

async function dashboardFiles(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch((error) => {
    throw new DownpourError('NO_DASHBOARDS', `--dashboards: ${errorMessage(error)}`)
  })
  const files = names.filter((name) => name.endsWith('.json')).sort()
  if (files.length === 0) throw new DownpourError('NO_DASHBOARDS', `--dashboards: no JSON file is in ${folder}`)
  return files.map((name) => join(folder, name))
}

async function readDashboard(file: string): Promise<DashboardJson> {
  return JSON.parse(await readFile(file, 'utf8')) as DashboardJson
}

/** @returns values by variable; those of this dashboard alone come before those of all */
function wantedOf(wanted: Wanted, dashboard: string): Wanted {
  const ofAll = [...wanted].filter(([name]) => !name.includes(':'))
  const own = [...wanted].filter(([name]) => name.startsWith(`${dashboard}:`))
  return new Map([...ofAll, ...own.map(([name, values]) => [name.slice(dashboard.length + 1), values] as const)])
}

async function paintThemes(
  painter: Painter,
  file: string,
  drawing: FetchedDrawing,
  options: DrawOptions,
): Promise<void> {
  const caption = `Drawn by Grafana's panel components from ${file}, data of a real run.`
  for (const theme of options.themes) {
    const picture = join(options.out, `${basename(file, '.json')}-${theme}.png`)
    await painter.paint({ ...drawing, theme, caption }, picture)
  }
}

/** Prints each empty query, and returns those that are wrong. */
function report({ dashboard, series }: FetchedDrawing, say: Progress['say']): EmptyQuery[] {
  const empty = emptyQueries(dashboard, series)
  for (const { title, expr, reason } of empty)
    say(`no data: ${dashboard.title}, "${title}"${reason ? ` (${reason})` : ''}: ${expr}`)
  return empty.filter(({ reason }) => reason === undefined)
}
