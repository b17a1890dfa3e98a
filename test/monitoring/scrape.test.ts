/** A real Prometheus scrapes a run of one parameter server, eight workers, an evaluator and the operator by the discovery. */
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { dump, load, loadAll } from 'js-yaml'
import { API_VERSION, PLURALS } from '../../src/contract/names.ts'
import { type DashboardJson, panelsOf } from '../../tools/dashboards/dashboard-json.ts'
import { reasonToBeEmpty } from '../../tools/dashboards/empty-queries.ts'
import { ALERTS } from '../../tools/monitoring/alerts.ts'
import { dashboardJson } from '../../tools/monitoring/dashboards/builder.ts'
import { DASHBOARDS } from '../../tools/monitoring/outputs.ts'
import { DEFAULTS, fill, plainRules } from '../../tools/monitoring/rule-files.ts'
import { prepareSmallJobs, type SmallJobs } from '../faults/small-job.ts'
import { eventually } from '../support/eventually.ts'
import { type LocalRun, startLocalRun } from '../support/local-run.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { parsePromql } from '../unit/tools/promql.ts'
import { checkMetrics, type Prometheus, startPrometheus } from './prometheus.ts'

const STARTS_WITHIN_MS = 120_000
const JOB = 'a'
/** Its name begins with that of the other job. */
const OTHER = 'a-b'
const WORKERS = 8
/** Of rates: some scrapes of a second. */
const WINDOW = '15s'
const folder = temporaryFolder()

/** Series that rightly do not exist in an undisturbed run, by the reason. */
const NO_DATA: Readonly<Record<string, string>> = {
  Problems: 'no job is in trouble',
  Alerts: 'none fires',
  'Scores of FinetuneJobs': 'the run has PretrainJobs alone',
}
const NO_SERIES: Readonly<Record<string, string>> = {}

describe('metrics, rules and dashboards of a run', { concurrency: false }, () => {
  let jobs: SmallJobs
  let run: LocalRun
  let prometheus: Prometheus
  let key: string

  before(async () => {
    jobs = await prepareSmallJobs()
    const endless = { maxSteps: 1_000_000, checkpoint: { everySteps: 20 } }
    const first = await jobs.next({ ...endless, workers: { replicas: WORKERS } }, JOB)
    const second = await jobs.next({ ...endless, workers: { replicas: 1 } }, OTHER)
    const documents = [first, second].map(({ file }) => loadAll(readFileSync(file, 'utf8')))
    const both = join(folder, 'both.yaml')
    await writeFile(both, [...(documents[0] ?? []), documents[1]?.at(-1)].map((one) => dump(one)).join('---\n'))
    run = startLocalRun([both], first.stateDir)
    const configuration = join(first.stateDir, 'prometheus.yml')
    await eventually(() => assert.ok(existsSync(configuration), run.output()), { timeoutMs: STARTS_WITHIN_MS })
    const values = { ...DEFAULTS, window: WINDOW, graceSeconds: 0 }
    prometheus = await startPrometheus(configuration, folder, plainRules(values))
    const credentials = (load(await readFile(configuration, 'utf8')) as ScrapeConfiguration).scrape_configs[0]
    key = await readFile(credentials.authorization.credentials_file, 'utf8')
  })
  after(async () => {
    await prometheus?.stop()
    // Its pods write to the folder until they have ended.
    run?.child.kill('SIGINT')
    await run?.ended(STARTS_WITHIN_MS)
    await jobs.remove()
  })

  test('every process is found and answers', async () => {
    const wanted = [
      'operator',
      ...[JOB, OTHER].flatMap((job) => [`${job} ps 0`, `${job} evaluator 0`]),
      ...Array.from({ length: WORKERS }, (_, i) => `${JOB} worker ${i}`),
      `${OTHER} worker 0`,
    ].sort()
    await eventually(
      async () => {
        assert.equal(run.child.exitCode, null, run.output())
        const up = (await prometheus.targets()).filter(({ health }) => health === 'up')
        assert.deepEqual(up.map(({ labels }) => nameOf(labels)).sort(), wanted)
      },
      { timeoutMs: STARTS_WITHIN_MS },
    )
  })

  test('promtool finds nothing wrong with the metrics of any process', async () => {
    for (const { scrapeUrl, labels } of await prometheus.targets()) {
      const answer = await fetch(scrapeUrl, { headers: { authorization: `Bearer ${key.trim()}` } })
      await checkMetrics(await answer.text()).catch((error) => {
        throw new Error(`${nameOf(labels)}: ${error.stdout}${error.stderr}`)
      })
    }
  })

  test('series of the operator and of pods join, and the jobs "a" and "a-b" do not mix', async () => {
    const on = 'on (namespace, kind, job_name)'
    await eventually(
      async () => {
        const joined = await prometheus.query(
          `count by (job_name) (downpour_worker_loss * ${on} group_left downpour_job_max_steps)`,
        )
        const counts = joined.map(({ metric, value }) => [metric.job_name, value[1]])
        assert.deepEqual(counts.sort(), [
          [JOB, String(WORKERS)],
          [OTHER, '1'],
        ])
      },
      { timeoutMs: STARTS_WITHIN_MS },
    )
  })

  for (const [name, dashboard] of Object.entries(DASHBOARDS)) {
    test(`every panel of the dashboard "${name}" has data`, async () => {
      for (const panel of panelsOf(dashboardJson(dashboard) as DashboardJson)) {
        const { title, targets = [] } = panel
        const isEmpty = title in NO_DATA
        if (isEmpty) assert.ok(reasonToBeEmpty(panel), `${title} does not say that it may be empty`)
        for (const { expr } of targets) await mustHaveData(title, chosen(expr), isEmpty)
      }
    })
  }

  test('every recording rule has data', async () => {
    const { groups } = load(plainRules()) as { groups: { rules: { record?: string }[] }[] }
    for (const { record } of groups.flatMap(({ rules }) => rules)) if (record) await mustHaveData(record, record, false)
  })

  test('every series that an alert reads exists, and none fires in an undisturbed run', async () => {
    for (const { name, expr, threshold } of ALERTS) {
      const filled = fill(expr, { ...DEFAULTS, window: WINDOW, threshold })
      for (const { metric, matchers } of parsePromql(filled).selectors)
        await mustHaveData(name, `${metric}{${matchers}}`, metric in NO_SERIES)
    }
    assert.deepEqual(await prometheus.query('ALERTS{alertstate="firing"}'), [])
  })

  test('no series of a deleted job is scraped', async () => {
    const client = await run.client()
    await client.delete({ apiVersion: API_VERSION, plural: PLURALS.PretrainJob, namespace: 'default', name: JOB })
    await eventually(
      async () => {
        const of = await prometheus.query(`count by (job_name) ({job_name=~"${JOB}|${OTHER}", __name__!="ALERTS"})`)
        assert.deepEqual(
          of.map(({ metric }) => metric.job_name),
          [OTHER],
        )
      },
      { timeoutMs: STARTS_WITHIN_MS },
    )
  })

  /** Eventually, because rates need two scrapes, and the first checkpoint some seconds. */
  async function mustHaveData(what: string, expr: string, isEmpty: boolean): Promise<void> {
    await eventually(
      async () => {
        const found = await prometheus.query(expr)
        assert.equal(found.length > 0, !isEmpty, `${what}: ${expr} gives ${found.length} series`)
      },
      { timeoutMs: STARTS_WITHIN_MS },
    )
  }
})

interface ScrapeConfiguration {
  scrape_configs: [{ authorization: { credentials_file: string } }]
}

function nameOf({ job_name, role, index }: Readonly<Record<string, string>>): string {
  return job_name === undefined ? 'operator' : `${job_name} ${role} ${index}`
}

/** Fills in the variables of a dashboard. */
function chosen(expr: string): string {
  const values: Readonly<Record<string, string>> = {
    ...{ __cluster__: 'cluster', $cluster: '.*', $namespace: 'default', $kind: 'PretrainJob' },
    ...{ $job: JOB, $worker: '.*', $__rate_interval: WINDOW },
  }
  return Object.entries(values).reduce((text, [name, value]) => text.replaceAll(name, value), expr)
}
