/**
 * `npm run bench:exchange [-- --starts N --rounds N]`: one exchange of 20 million float32 (weights one way, gradients the other)
 * between two processes over the loopback interface. The contenders take turns. They start anew several times, because the same
 * program differs by a sixth from one start to the next. Fails if a promise is broken.
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { machineText, median } from '../figures.ts'
import type { Contender, Times } from './contender.ts'
import { startDownpourContender } from './downpour.ts'
import { BODY_BYTES, EXCHANGES } from './model.ts'
import { startGloo, startStrategy } from './python.ts'
import { startRaw } from './raw.ts'

const OUT = 'bench/results/exchange.json'
/** Rounds that are not counted: connections, compilers and memory pages warm up. */
const WARM_UP = 2

const { values } = parseArgs({
  options: { starts: { type: 'string', default: '5' }, rounds: { type: 'string', default: '5' } },
})
const [starts, rounds] = [Number(values.starts), Number(values.rounds)]

/** Times of each round of each start, by contender. */
const measured = new Map<string, Times[]>()

async function startContenders(): Promise<readonly Contender[]> {
  const gloo = await startGloo()
  const [raw, downpour, strategy] = [await startRaw(), await startDownpourContender(), await startStrategy()]
  return [raw, downpour, strategy, ...(gloo ? [gloo] : [])]
}

async function measure(contenders: readonly Contender[]): Promise<void> {
  for (let round = -WARM_UP; round < rounds; round++)
    for (const contender of contenders) {
      const times = await contender.run(EXCHANGES)
      if (round >= 0) measured.set(contender.name, [...(measured.get(contender.name) ?? []), times])
    }
}

for (let start = 0; start < starts; start++) {
  const contenders = await startContenders()
  await measure(contenders)
  for (const contender of contenders) await contender.close()
  console.log(`start ${start + 1} of ${starts} is measured`)
}
if (measured.size < 4) console.log('all-reduce of gloo is left out: `apt-get install python3-torch` adds it')

function milliseconds(contender: string, part: string): number[] {
  return (measured.get(contender) ?? []).map((times) => times[part] ?? Number.NaN)
}

/** Of each round, because two contenders are comparable within a round. */
function speeds(part: string, than: string, thanPart = part): number[] {
  const others = milliseconds(than, thanPart)
  return milliseconds('Downpour', part).map((ms, round) => (others[round] as number) / ms)
}

const rounded = (value: number) => Number(value.toFixed(2))

/** The median over all rounds, and those of each start. */
function promise(text: string, ratios: readonly number[], least: number) {
  const ofStarts = Array.from({ length: starts }, (_, i) => median(ratios.slice(i * rounds, (i + 1) * rounds)))
  const ratio = rounded(median(ratios))
  const [lowest, highest] = [rounded(Math.min(...ofStarts)), rounded(Math.max(...ofStarts))]
  return { promise: text, ratio, lowest, highest, least, kept: ratio >= least }
}

const table = [...measured].map(([contender, [first]]) => {
  const parts = Object.keys(first ?? {})
  const medians = parts.map((part) => [`${part}, ms`, Number(median(milliseconds(contender, part)).toFixed(1))])
  return { contender, ...Object.fromEntries(medians) }
})
const [raw, strategy] = ['node:net', 'ParameterServerStrategy']
const promises = [
  promise(`exchange, times the speed of ${strategy}`, speeds('exchange', strategy), 1.5),
  promise('pull, share of the speed of node:net', speeds('pull', raw), 0.7),
  promise('push until verified, share of node:net', speeds('push, verified', raw, 'push'), 0.7),
  promise('push with apply, share of node:net', speeds('push', raw), 0.55),
]
console.table(table)
console.table(promises)
await mkdir('bench/results', { recursive: true })
/** Of the kernel; the share of node:net and the comparison with TensorFlow depend on it. */
const congestionControl = (await readFile('/proc/sys/net/ipv4/tcp_congestion_control', 'utf8')).trim()
console.log(`congestion control ${congestionControl}`)
const facts = { machine: machineText(), congestionControl, bodyBytes: BODY_BYTES, starts, rounds, table, promises }
await writeFile(OUT, `${JSON.stringify(facts, null, 2)}\n`)
process.exit(promises.every(({ kept }) => kept) ? 0 : 1)
