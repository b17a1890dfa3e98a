/**
 * `npm run bench:metrics [-- --pairs N]`: what being watched costs. One scrape of each process; the pushes of 8 workers with
 * a scrape of every process each second and without, in alternating windows; the same with a thousand clients of the
 * parameter server and the operator, half of which never read. Fails if a promise of docs/monitoring.md is broken.
 */
import { mkdir, writeFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { machineText } from '../figures.ts'
import { measureRun } from './run-under-scrapes.ts'
import { textCosts } from './text-cost.ts'

const OUT = 'bench/results/metrics.json'
const MAX_SHARE_PERCENT = 1
const MAX_OPERATOR_KB = 2000
const MAX_BLOCK_MS = 50
const MAX_LOSS_PERCENT = 5

const { values } = parseArgs({ options: { pairs: { type: 'string', default: '12' } } })
const pairs = Number(values.pairs)

const texts = await textCosts()
console.table(texts)
const { scraped, withClients } = await measureRun(
  { pairs, seconds: 8, settleSeconds: 2 },
  { pairs, seconds: 15, settleSeconds: 5 },
)
console.table({ 'a scrape each second': scraped, 'a thousand clients': withClients })
await mkdir('bench/results', { recursive: true })
await writeFile(OUT, `${JSON.stringify({ machine: machineText(), pairs, texts, scraped, withClients }, null, 2)}\n`)

const broken = [
  ...texts
    .filter((one) => one['% of a core'] > MAX_SHARE_PERCENT && !one.process.includes('500'))
    .map(({ process: name }) => `a scrape each second costs the ${name} more than ${MAX_SHARE_PERCENT}% of a core`),
  ...texts
    .filter(({ kB }) => kB > MAX_OPERATOR_KB)
    .map(({ process: name }) => `the text of the ${name} is larger than 2 MB`),
  ...texts
    .filter((one) => one['longest block, ms'] > MAX_BLOCK_MS)
    .map(({ process: name }) => `a scrape blocks the ${name} for more than ${MAX_BLOCK_MS} ms`),
  ...(Math.abs(scraped.changePercent) > scraped.intervalPercent
    ? ['scrapes change the pushes beyond the 95% interval']
    : []),
  ...(withClients.changePercent + withClients.intervalPercent < -MAX_LOSS_PERCENT
    ? [`a thousand clients cost more than ${MAX_LOSS_PERCENT}% of the pushes`]
    : []),
  ...(withClients.missed > 0 ? [`${withClients.missed} probes or scrapes were not answered within a second`] : []),
]
for (const line of broken) console.error(`broken: ${line}`)
process.exitCode = broken.length > 0 ? 1 : 0
