/**
 * `npm run bench:checkpoint [-- --rounds N --folder DIR]`: saving and restoring the paper's model, 960 MB with the state
 * of the optimizer. Exits with 1 if a save (the median) pauses training for more than 200 ms, is slower than 0.7 of a plain file that
 * is written and synced in turn, or if another number of servers restores other bits.
 */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { realFileSystem } from '../../src/checkpoint/file-system.ts'
import { checkpointFolder } from '../../src/contract/files.ts'
import type { RuntimeConfig } from '../../src/contract/runtime.ts'
import type { Shard } from '../../src/ps/shard.ts'
import { makeLayout } from '../../src/wire/layout.ts'
import { network } from '../../test/unit/interchange/fixtures.ts'
import { makeConfig } from '../../test/unit/ps/fixtures.ts'
import { machineText, median } from '../figures.ts'
import { createServers, type Pause, restoreServers, saverOf } from './servers.ts'
import { differences, fill } from './state.ts'

const OUT = 'bench/results/checkpoint.json'
const PROMISES = { pauseSeconds: 0.2, rateRatio: 0.7 }
const CHUNK_BYTES = 4 << 20
/** One after another: each restores what the number before it has saved. */
const RESTORED_BY = [3, 2]

const config: RuntimeConfig = makeConfig({ optimizer: { type: 'rmsprop', decay: 0.9, momentum: 0.9, epsilon: 1 } })
const layout = makeLayout(network({ backbone: 'resnet101', classes: 18_291 }).variables)

/** The sequential rate of the disk: the same bytes in one file, written in chunks and synced. */
async function writePlainly(path: string, parts: readonly Float32Array[]): Promise<number> {
  const startedMs = performance.now()
  const file = await realFileSystem.open(path, 'w')
  for (const { buffer, byteOffset, byteLength } of parts) {
    const bytes = new Uint8Array(buffer, byteOffset, byteLength)
    for (let at = 0; at < bytes.length; at += CHUNK_BYTES) await file.write(bytes.subarray(at, at + CHUNK_BYTES))
  }
  await file.sync()
  await file.close()
  const seconds = (performance.now() - startedMs) / 1000
  await rm(path)
  return seconds
}

interface Save {
  readonly seconds: number
  readonly pause: Pause
  /** The longest time for which the server could not answer. */
  readonly blockSeconds: number
  readonly cpuSeconds: number
}

async function measureSave(save: () => Promise<Pause>): Promise<Save> {
  const delay = monitorEventLoopDelay({ resolution: 1 })
  delay.enable()
  await setTimeout(10) // until then it records nothing
  const [startedMs, cpu] = [performance.now(), process.cpuUsage()]
  const pause = await save()
  const seconds = (performance.now() - startedMs) / 1000
  delay.disable()
  const { user, system } = process.cpuUsage(cpu)
  return { seconds, pause, blockSeconds: delay.max / 1e9, cpuSeconds: (user + system) / 1e6 }
}

async function inTurn(shard: Shard, save: (step: number) => Promise<Pause>, folder: string, rounds: number) {
  const runs = { plain: [] as number[], saves: [] as Save[] }
  for (let round = 1; round <= rounds; round++) {
    runs.plain.push(await writePlainly(join(folder, 'plain'), [shard.weights, ...shard.slots.values()]))
    runs.saves.push(await measureSave(() => save(round)))
    await rm(join(folder, checkpointFolder(round - 1)), { recursive: true, force: true })
  }
  return runs
}

async function restoredDifferently(original: Shard, jobFolder: string, newest: number): Promise<string[]> {
  const wrong: string[] = []
  let step = newest
  for (const count of RESTORED_BY) {
    const servers = await restoreServers(layout, count, { jobFolder, step, config })
    for (const shard of servers.shards)
      wrong.push(...differences(original, shard).map((what) => `${count} servers: ${what}`))
    await saverOf(servers, layout, jobFolder, config)(++step)
  }
  return wrong
}

async function measure(folder: string, rounds: number) {
  const servers = createServers(layout, 1, config)
  const [shard] = servers.shards as [Shard]
  fill(shard)
  const bytes = 4 * (shard.weights.length + shard.slots.size * shard.layout.trainable)
  const runs = await inTurn(shard, saverOf(servers, layout, folder, config), folder, rounds)
  const wrong = await restoredDifferently(shard, folder, rounds)
  const rate = (seconds: number) => Number((bytes / 1e6 / seconds).toFixed(0))
  const ratios = runs.saves.map(({ seconds }, i) => (runs.plain[i] ?? 0) / seconds)
  const milliseconds = (of: (save: Save) => number) => runs.saves.map((save) => Number((1000 * of(save)).toFixed(1)))
  return {
    megabytes: Math.round(bytes / 1e6),
    plainMBs: runs.plain.map(rate),
    saveMBs: runs.saves.map(({ seconds }) => rate(seconds)),
    rateRatio: Number(median(ratios).toFixed(3)),
    pauseMs: milliseconds(({ pause }) => pause.seconds),
    pauseCpuMs: milliseconds(({ pause }) => pause.cpuSeconds),
    blockMs: milliseconds(({ blockSeconds }) => blockSeconds),
    cpuMs: milliseconds(({ cpuSeconds }) => cpuSeconds),
    restoredBy: RESTORED_BY,
    differences: wrong,
  }
}

const { values: flags } = parseArgs({
  options: { rounds: { type: 'string', default: '5' }, folder: { type: 'string', default: tmpdir() } },
})
const folder = await mkdtemp(join(flags.folder, 'downpour-bench-'))
const figures = await measure(folder, Number(flags.rounds)).finally(() => rm(folder, { recursive: true }))
console.table(
  figures.plainMBs.map((plain, i) => ({
    'plain file, MB/s': plain,
    'checkpoint, MB/s': figures.saveMBs[i],
    'pause, ms': figures.pauseMs[i],
    'its CPU, ms': figures.pauseCpuMs[i],
    'longest block, ms': figures.blockMs[i],
    'CPU of all, ms': figures.cpuMs[i],
  })),
)
const broken = [
  ...(median(figures.pauseMs) > 1000 * PROMISES.pauseSeconds ? ['a save paused training for more than 200 ms'] : []),
  ...(figures.rateRatio < PROMISES.rateRatio ? [`rate: ${figures.rateRatio} of a plain file, expected 0.7`] : []),
  ...figures.differences.map((what) => `restored with other bits: ${what}`),
]
console.log(
  `${figures.megabytes} MB at ${figures.rateRatio} of the rate of a plain file; restored by ${RESTORED_BY.join(' and then ')} servers`,
)
for (const what of broken) console.error(what)
await mkdir('bench/results', { recursive: true })
await writeFile(OUT, `${JSON.stringify({ machine: machineText(), ...figures }, null, 2)}\n`)
process.exitCode = broken.length > 0 ? 1 : 0
