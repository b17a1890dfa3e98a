/**
 * `npm run bench:dedup [-- SEED [TEST-PICTURES-PER-KIND]]`: plants re-encoded, scaled, flipped and cropped copies of a
 * test set among thousands of training pictures, and prints the recall and precision of `data dedup`, and its speed.
 */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { machineText } from '../figures.ts'
import { plant } from './plant.ts'
import { ratesByKind } from './rates.ts'
import { searchPlanted } from './search.ts'

const OUT = 'bench/results/dedup.json'
const LEAST_RATE = 0.95
/** Training pictures that are no copies, for each test picture. */
const OTHERS = 3

const [seed = 1, perKind = 200] = process.argv.slice(2).map(Number)
const folder = await mkdtemp(join(tmpdir(), 'bench-dedup-'))
try {
  console.log(`seed ${seed}: drawing pictures`)
  const planted = await plant({ folder, seed, perKind, othersPerKind: perKind * OTHERS })
  const report = await searchPlanted(folder)
  const rates = ratesByKind(planted, report.duplicates)
  const wrong = report.duplicates.filter(({ test, training }) => !training.endsWith(test))
  console.table(rates)
  for (const { test, training, distance } of wrong) console.log(`wrong: ${test} = ${training}, distance ${distance}`)
  const pictures = { test: report.test.pictures, training: report.training.pictures }
  const pairs = pictures.test * pictures.training
  const picturesPerSecond = Math.round(report.picturesPerSecond)
  console.log(`${pairs} pairs, ${wrong.length} wrong; ${picturesPerSecond} training pictures a second`)
  await mkdir('bench/results', { recursive: true })
  const results = { machine: machineText(), seed, pictures, pairs, wrong: wrong.length, picturesPerSecond, rates }
  await writeFile(OUT, `${JSON.stringify(results, null, 2)}\n`)
  const isGood = Object.values(rates).every(({ recall, precision }) => Math.min(recall, precision) >= LEAST_RATE)
  if (!isGood) process.exitCode = 1
} finally {
  await rm(folder, { recursive: true })
}
