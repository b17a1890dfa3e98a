// `npm run dashboards [-- OPTION...]`: set up, with Grafana's components, then main.ts with Downpour's Node. Help needs no
// set-up.
import { fileURLToPath } from 'node:url'
import { installPackage, runWithNode, setUp } from '../setup.mjs'

const HELP = `Usage: npm run dashboards -- [OPTION...]

Draws the dashboards of deploy/monitoring with Grafana's panel components and real data, and lists panels without data.
Without --prometheus it makes the data itself: a run of four to seven minutes with a paused worker and a killed parameter
server. It needs chromium, and without --prometheus also prometheus (Debian packages of these names).

  --prometheus URL     draw from this Prometheus
  --minutes N          the last N minutes before --to (default: 30)
  --from, --to TIME    seconds since 1970, or a date such as 2026-01-31T12:00:00Z (default of --to: now)
  --var NAME=VALUE     value of a variable; again for another value or variable; --var job:kind=PretrainJob sets it in the
                       dashboard job.json alone
  --dashboards DIR     folder of the JSON files (default: deploy/monitoring/dashboards)
  --theme dark|light|both  (default: both)
  --out DIR            folder of the pictures (default: .cache/dashboards)
  --help

It ends with 1 if a panel has no data and its JSON has no text for that (noValue), which says when none is right.
`

const words = process.argv.slice(2)
if (words.includes('--help') || words.includes('-h')) process.stdout.write(HELP)
else {
  const node = await setUp()
  await installPackage(fileURLToPath(new URL('.', import.meta.url)), "Grafana's panel components (460 MB)")
  await runWithNode(node, ['tools/dashboards/main.ts', ...words])
}
