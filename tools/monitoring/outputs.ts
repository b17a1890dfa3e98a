/** The generated files of monitoring: for the chart with placeholders, and for `deploy/monitoring` with the defaults. */
import { dashboardJson } from './dashboards/builder.ts'
import { FLEET_DASHBOARD } from './dashboards/fleet.ts'
import { JOB_DASHBOARD } from './dashboards/job.ts'
import { OPERATOR_DASHBOARD } from './dashboards/operator.ts'
import { chartRules, DEFAULTS, plainRules } from './rule-files.ts'

/** By file name. */
export const DASHBOARDS = { operator: OPERATOR_DASHBOARD, job: JOB_DASHBOARD, fleet: FLEET_DASHBOARD } as const

const CHART = 'charts/downpour/files/monitoring'
const PLAIN = 'deploy/monitoring'
const HEADER = '# Made by `npm run generate` from tools/monitoring: change the rules there, not this file.\n'

/** @returns texts by path from the root of the repository */
export function monitoringFiles(): ReadonlyMap<string, string> {
  const files = new Map([
    [`${CHART}/rules.json`, chartRules()],
    [`${PLAIN}/rules.yaml`, HEADER + plainRules()],
  ])
  for (const [name, dashboard] of Object.entries(DASHBOARDS)) {
    const text = `${JSON.stringify(dashboardJson(dashboard), null, 1)}\n`
    files.set(`${CHART}/dashboards/${name}.json`, text)
    files.set(`${PLAIN}/dashboards/${name}.json`, text.replaceAll('__cluster__', DEFAULTS.cluster))
  }
  return files
}
