/** `promtool test rules` on the rules of deploy/monitoring: two minutes before an alert is due, one after, and below its threshold. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { copyFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { promisify } from 'node:util'
import { dump } from 'js-yaml'
import { durationSeconds } from '../../tools/dashboards/intervals.ts'
import { ALERTS, type Alert } from '../../tools/monitoring/alerts.ts'
import { DEFAULTS, plainRules } from '../../tools/monitoring/rule-files.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { PROMTOOLS } from './promtools.ts'
import { JOB_LABELS, RULE_CASES, type RuleCase } from './rule-cases.ts'

const RULES = new URL('../../deploy/monitoring/rules.yaml', import.meta.url)
const folder = temporaryFolder()

const minutes = (duration: string) => durationSeconds(duration) / 60

function inputs(series: Readonly<Record<string, string>>) {
  return Object.entries(series).map(([name, values]) => ({ series: name, values }))
}

/** What promtool must find at a minute: one firing alert with these labels, or none. Annotations are not part of ALERTS. */
function expectation({ name }: Alert, minute: number, labels?: Readonly<Record<string, string>>) {
  const shown = Object.entries({ alertname: name, alertstate: 'firing', ...labels })
  const series = `ALERTS{${shown.map(([label, value]) => `${label}="${value}"`).join(', ')}}`
  return {
    expr: `ALERTS{alertname="${name}", alertstate="firing"}`,
    eval_time: `${minute}m`,
    exp_samples: labels ? [{ labels: series, value: 1 }] : [],
  }
}

function testsOf(alert: Alert, { above, below, fromMinute, labels = {} }: RuleCase) {
  const dueMinute = fromMinute + minutes(alert.for)
  const ofJob = alert.description.includes('$labels.job_name') ? JOB_LABELS : {}
  const firing = { severity: alert.severity, ...ofJob, ...labels }
  const common = { interval: '1m' }
  return [
    {
      ...{ ...common, input_series: inputs(above) },
      promql_expr_test: [
        ...(dueMinute >= 2 ? [expectation(alert, dueMinute - 2)] : []),
        expectation(alert, dueMinute + 1, firing),
      ],
    },
    ...(below
      ? [
          {
            ...common,
            input_series: inputs(below),
            promql_expr_test: [dueMinute + 1, 290].map((at) => expectation(alert, at)),
          },
        ]
      : []),
  ]
}

async function run(promtool: string, ...args: string[]): Promise<void> {
  await promisify(execFile)(promtool, args).catch((error) => {
    throw new Error(`${args.join(' ')}: ${error.stdout}${error.stderr}`)
  })
}

async function promtoolTest(promtool: string, name: string, tests: readonly object[]): Promise<void> {
  await copyFile(RULES, join(folder, 'rules.yaml'))
  const file = join(folder, `${name}.yaml`)
  await writeFile(file, dump({ rule_files: ['rules.yaml'], evaluation_interval: '1m', tests }))
  await run(promtool, 'test', 'rules', file)
}

/** Texts of rules by what is special about them. */
const VARIANTS: Readonly<Record<string, string>> = {
  'of deploy/monitoring': readFileSync(RULES, 'utf8'),
  'with other values': plainRules(
    { ...DEFAULTS, cluster: 'k8s_cluster', window: '90s', graceSeconds: 0 },
    Object.fromEntries(ALERTS.map(({ name }) => [name, { threshold: 0, window: '2h', keepFiringFor: '10m' }])),
  ),
}

for (const { name: version, file: promtool, skip } of PROMTOOLS) {
  suite(`rules, with ${version}`, { skip }, () => {
    for (const [what, text] of Object.entries(VARIANTS)) {
      test(`those ${what} are valid, and none is there twice`, async () => {
        const file = join(folder, 'checked.yaml')
        await writeFile(file, text)
        await run(promtool, 'check', 'rules', '--lint=all', '--lint-fatal', file)
      })
    }

    for (const alert of ALERTS) {
      test(`${alert.name} fires when it is due, not before, and not below its threshold`, async () => {
        const found = RULE_CASES[alert.name]
        assert.ok(found, 'rule-cases.ts has no case for it')
        await promtoolTest(promtool, alert.name, testsOf(alert, found))
      })
    }
  })
}
