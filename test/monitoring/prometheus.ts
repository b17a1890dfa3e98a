/** A Prometheus of Debian's package, as a child process. */
import { execFile, spawn } from 'node:child_process'
import { mkdtemp, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { dump, load } from 'js-yaml'
import { ensureCommand } from '../../tools/cluster/prerequisites.ts'
import { eventually } from '../support/eventually.ts'
import { answered, freePort, READY_WITHIN_MS, stop } from './processes.ts'

await ensureCommand('prometheus')

export const SCRAPE_SECONDS = 1

export interface Sample {
  readonly metric: Readonly<Record<string, string>>
  readonly value: readonly [seconds: number, value: string]
}
export interface Target {
  readonly labels: Readonly<Record<string, string>>
  readonly scrapeUrl: string
  /** Name of the scrape job. */
  readonly scrapePool: string
  readonly health: string
  readonly lastError: string
}

export interface Prometheus {
  readonly url: string
  query(expr: string): Promise<Sample[]>
  targets(): Promise<Target[]>
  stop(): Promise<void>
}

interface Configuration {
  global: object
  rule_files?: string[]
  alerting?: object
  scrape_configs: { http_sd_configs: { refresh_interval: string }[] }[]
}

export interface PrometheusOptions {
  /** host:port */
  readonly alertmanager?: string
  readonly scrapeSeconds?: number
}

/**
 * Reads the configuration that `downpour run` wrote, but scrapes as often as told, a second by default.
 * @param folder for its data; @param rules text of a file of rules
 */
export async function startPrometheus(
  configuration: string,
  folder: string,
  rules?: string,
  { alertmanager, scrapeSeconds = SCRAPE_SECONDS }: PrometheusOptions = {},
): Promise<Prometheus> {
  const root = await mkdtemp(join(folder, 'prometheus-'))
  const config = load(await readFile(configuration, 'utf8')) as Configuration
  config.global = { scrape_interval: `${scrapeSeconds}s`, evaluation_interval: `${scrapeSeconds}s` }
  for (const { http_sd_configs } of config.scrape_configs)
    for (const discovery of http_sd_configs) discovery.refresh_interval = `${scrapeSeconds}s`
  if (rules !== undefined) {
    await writeFile(join(root, 'rules.yaml'), rules)
    config.rule_files = [join(root, 'rules.yaml')]
  }
  if (alertmanager !== undefined) {
    config.alerting = { alertmanagers: [{ static_configs: [{ targets: [alertmanager] }] }] }
  }
  return launchPrometheus(config, root)
}

/** @param configuration of Prometheus; @param root an empty folder for it and for the data */
export async function launchPrometheus(configuration: object, root: string): Promise<Prometheus> {
  await writeFile(join(root, 'prometheus.yml'), dump(configuration))
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  const flags = [`--config.file=${root}/prometheus.yml`, `--storage.tsdb.path=${root}/data`]
  const child = spawn('prometheus', [...flags, `--web.listen-address=127.0.0.1:${port}`], { stdio: 'ignore' })
  await eventually(() => answered(`${url}/-/ready`), { timeoutMs: READY_WITHIN_MS })
  return {
    url,
    query: async (expr) => {
      const { result } = (await get(`${url}/api/v1/query?query=${encodeURIComponent(expr)}`)) as { result: Sample[] }
      return result
    },
    targets: async () => ((await get(`${url}/api/v1/targets`)) as { activeTargets: Target[] }).activeTargets,
    stop: () => stop(child),
  }
}

/** @throws Error with the output of promtool, which says what is wrong */
export async function checkMetrics(text: string): Promise<void> {
  const checking = promisify(execFile)('promtool', ['check', 'metrics'])
  checking.child.stdin?.end(text)
  await checking
}

async function get(url: string): Promise<unknown> {
  const answer = (await (await fetch(url)).json()) as { status: string; data: unknown; error?: string }
  if (answer.status !== 'success') throw new Error(`${url}: ${answer.error}`)
  return answer.data
}
