/**
 * `npm run bench:ps [-- --rounds N --pushes N]`: what a push of 20 million float32 costs a parameter server (RMSProp with
 * momentum and weight decay), as multiples of a memcpy; its CPU time for an exchange over the loopback interface; and its
 * memory over 1,000 of them. Fails if a promise is broken.
 */
import { mkdir, writeFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { machineText } from '../figures.ts'
import { measureExchanges } from './exchanges.ts'
import { measurePasses } from './passes.ts'

const OUT = 'bench/results/ps.json'
const MAX_GROWTH_MIB = 8

const { values } = parseArgs({
  options: { rounds: { type: 'string', default: '31' }, pushes: { type: 'string', default: '1000' } },
})
const passes = measurePasses(Number(values.rounds))
const exchanges = await measureExchanges(Number(values.pushes))

const rounded = (value = Number.NaN) => Number(value.toFixed(2))
const table = Object.entries(passes.ratios).map(([pass, ratio]) => ({ pass, 'times a memcpy': rounded(ratio) }))
const growthMib = exchanges.rssEndMib - exchanges.rssBeginMib
const promises = [
  { promise: 'finite and update, times a memcpy', value: passes.ratios['finite and update'], most: 3.2 },
  { promise: 'received body to applied, times a memcpy', value: passes.ratios['received body to applied'], most: 3.5 },
  { promise: 'CPU of the server for an exchange, ms', value: exchanges.cpuMs, most: 60 },
  {
    promise: `growth of the server's memory over ${values.pushes} pushes, MiB`,
    value: growthMib,
    most: MAX_GROWTH_MIB,
  },
].map(({ value = Number.NaN, ...one }) => ({ ...one, value: rounded(value), kept: value <= one.most }))
console.log(`memcpy of 80 MB: ${rounded(passes.memcpyMs)} ms`)
console.table(table)
console.table(promises)
await mkdir('bench/results', { recursive: true })
const facts = { machine: machineText(), ...values, memcpyMs: rounded(passes.memcpyMs), table, exchanges, promises }
await writeFile(OUT, `${JSON.stringify(facts, null, 2)}\n`)
process.exit(promises.every(({ kept }) => kept) ? 0 : 1)
