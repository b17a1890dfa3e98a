/**
 * `npm run bench:exchange [-- --rounds N]`: one exchange of 20 million float32 (weights one way, gradients the other) between
 * two processes over the loopback interface. The contenders take turns. Fails if a promise is broken.
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

const { values } = parseArgs({ options: { rounds: { type: 'string', default: '9' } } })
const rounds = Number(values.rounds)

const gloo = await startGloo()
if (!gloo) console.log('all-reduce of gloo is left out: `apt-get install python3-torch` adds it')
const [raw, downpour, strategy] = [await startRaw(), await startDownpourContender(), await startStrategy()]
const contenders: readonly Contender[] = [raw, downpour, strategy, ...(gloo ? [gloo] : [])]

/** Times of each contender by round. */
const measured = new Map<Contender, Times[]>(contenders.map((one) => [one, []]))
for (let round = -WARM_UP; round < rounds; round++)
  for (const contender of contenders) {
    const times = await contender.run(EXCHANGES)
    if (round >= 0) measured.get(contender)?.push(times)
  }
for (const contender of contenders) await contender.close()

function milliseconds(contender: Contender, part: string): number[] {
  return (measured.get(contender) ?? []).map((times) => times[part] ?? Number.NaN)
}

/** The median over rounds, because two contenders are comparable within a round. */
function speed(part: string, than: Contender, thanPart = part): number {
  const others = milliseconds(than, thanPart)
  return Number(median(milliseconds(downpour, part).map((ms, round) => (others[round] as number) / ms)).toFixed(2))
}

const table = contenders.map((contender) => {
  const parts = Object.keys(measured.get(contender)?.[0] ?? {})
  const medians = parts.map((part) => [`${part}, ms`, Number(median(milliseconds(contender, part)).toFixed(1))])
  return { contender: contender.name, ...Object.fromEntries(medians) }
})
const promises = [
  { promise: 'exchange, times the speed of ParameterServerStrategy', ratio: speed('exchange', strategy), least: 1.5 },
  { promise: 'pull, share of the speed of node:net', ratio: speed('pull', raw), least: 0.7 },
  { promise: 'push until verified, share of node:net', ratio: speed('push, verified', raw, 'push'), least: 0.7 },
  { promise: 'push with apply, share of node:net', ratio: speed('push', raw), least: 0.55 },
].map((one) => ({ ...one, kept: one.ratio >= one.least }))
console.table(table)
console.table(promises)
await mkdir('bench/results', { recursive: true })
/** Of the kernel; the share of node:net and the comparison with TensorFlow depend on it. */
const congestionControl = (await readFile('/proc/sys/net/ipv4/tcp_congestion_control', 'utf8')).trim()
console.log(`congestion control ${congestionControl}`)
const facts = { machine: machineText(), congestionControl, bodyBytes: BODY_BYTES, rounds, table, promises }
await writeFile(OUT, `${JSON.stringify(facts, null, 2)}\n`)
process.exit(promises.every(({ kept }) => kept) ? 0 : 1)
