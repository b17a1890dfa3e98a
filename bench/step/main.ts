/**
 * `npm run bench:step [-- CASE...]`: training steps of each network by Python TensorFlow (`tf.function`), native TensorFlow
 * as a recorded graph and operation by operation, and WASM. Contenders take turns in processes of their own, so that a
 * change in the machine's speed affects all of them alike.
 */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { exec } from '../../tools/cluster/exec.ts'
import { pythonWith } from '../../tools/python.ts'
import { machineText, median } from '../figures.ts'
import { CASES, type Case, CONTENDERS, type Contender, writeCase } from './cases.ts'

const ROUNDS = 3
const OUT = 'bench/results/step.json'
/** A recorded graph begins with the third step. */
const WARM_UP = 4
const COMPARED_STEPS = 20
const MOST_DIFFERENCE = 1e-3

interface Result {
  readonly seconds: readonly number[]
  readonly cpuSeconds: number
  readonly losses: readonly number[]
}

const python = await pythonWith('bench/tensorflow-requirements.txt')

/** nudged: Python, with the next larger float32 for every weight. */
type Program = Contender | 'nudged'

async function run(one: Case, contender: Program, folder: string, steps: number): Promise<Result> {
  const numbers = [WARM_UP, steps, one.rate].map(String)
  const [program, args] =
    contender === 'python' || contender === 'nudged'
      ? [python, ['bench/step/tf_function.py', folder, ...numbers, ...(contender === 'nudged' ? ['nudged'] : [])]]
      : [process.execPath, ['bench/step/one-contender.ts', one.name, contender, ...numbers]]
  const env = { ...process.env, TF_CPP_MIN_LOG_LEVEL: '3', CUDA_VISIBLE_DEVICES: '' }
  return JSON.parse(await exec(program, args, { env })) as Result
}

interface Speed {
  readonly imagesASecond: number
  readonly imagesACpuSecond: number
}

function speedOf({ batch }: Case, { seconds, cpuSeconds }: Result): Speed {
  return { imagesASecond: batch / median(seconds), imagesACpuSecond: (batch * seconds.length) / cpuSeconds }
}

async function compare(one: Case) {
  const folder = await mkdtemp(join(tmpdir(), 'downpour-step-'))
  try {
    await writeCase(one, folder)
    const taking = CONTENDERS.filter((contender) => one.steps[contender] > 0)
    const rounds: Partial<Record<Contender, Speed>>[] = []
    for (let round = 0; round < ROUNDS; round++) {
      const speeds: Partial<Record<Contender, Speed>> = {}
      for (const contender of taking)
        speeds[contender] = speedOf(one, await run(one, contender, folder, one.steps[contender]))
      rounds.push(speeds)
      process.stderr.write(`${one.name}: round ${round + 1} of ${ROUNDS}\n`)
    }
    return { rows: rowsOf(one, taking, rounds), ...(await lossesOf(one, folder)) }
  } finally {
    await rm(folder, { recursive: true })
  }
}

function rowsOf(one: Case, taking: readonly Contender[], rounds: readonly Partial<Record<Contender, Speed>>[]) {
  const middle = (contender: Contender, figure: (own: Speed, pythons: Speed) => number) =>
    Number(median(rounds.map((round) => figure(round[contender] as Speed, round.python as Speed))).toPrecision(4))
  return taking.map((contender) => ({
    network: `${one.name}, ${one.batch} images of ${one.pixels} pixels`,
    contender,
    'images/s': middle(contender, ({ imagesASecond }) => imagesASecond),
    'of Python': middle(contender, (own, pythons) => own.imagesASecond / pythons.imagesASecond),
    'images/CPU-s': middle(contender, ({ imagesACpuSecond }) => imagesACpuSecond),
    'of Python, CPU': middle(contender, (own, pythons) => own.imagesACpuSecond / pythons.imagesACpuSecond),
  }))
}

/**
 * Twenty steps of gradient descent from the same weights: recorded and eager bit by bit, and beside Python. How far Python
 * is from itself with nudged weights says how fast the least rounding grows.
 */
async function lossesOf(one: Case, folder: string) {
  const steps = COMPARED_STEPS - WARM_UP
  const lossesBy = async (program: Program) => (await run(one, program, folder, steps)).losses
  const [recorded, eager] = [await lossesBy('recorded'), await lossesBy('eager')]
  const [pythons, nudged] = [await lossesBy('python'), await lossesBy('nudged')]
  return {
    rate: one.rate,
    firstAndLastLoss: [pythons[0], pythons.at(-1)],
    recordedEqualsEager: recorded.every((loss, i) => Object.is(loss, eager[i])),
    differenceFromPython: largestDifference(recorded, pythons),
    growthOfRounding: largestDifference(nudged, pythons),
  }
}

/** Relative. */
function largestDifference(losses: readonly number[], reference: readonly number[]): number {
  return Math.max(...reference.map((loss, i) => Math.abs((losses[i] as number) - loss) / Math.abs(loss)))
}

type Comparison = Awaited<ReturnType<typeof compare>>

function brokenPromises(one: Case, { rows, recordedEqualsEager, differenceFromPython }: Comparison): string[] {
  const of = (contender: Contender) => rows.find((row) => row.contender === contender)
  const share = of('recorded')?.['of Python'] ?? 0
  const wasm = of('wasm')?.['images/CPU-s'] ?? 0
  return [
    ...(share < one.nativeShare ? [`native has ${share} of Python's speed, promised ${one.nativeShare}`] : []),
    ...(wasm < (one.wasmImages ?? 0) ? [`WASM has ${wasm} images a CPU-second, promised ${one.wasmImages}`] : []),
    ...(recordedEqualsEager ? [] : ['losses of recorded and eager steps differ']),
    ...(differenceFromPython <= MOST_DIFFERENCE ? [] : [`losses differ from Python's by ${differenceFromPython}`]),
  ].map((text) => `${one.name}: ${text}`)
}

const named = process.argv.slice(2)
const chosen = CASES.filter(({ name }) => named.length === 0 || named.includes(name))
const results: (Comparison & { name: string })[] = []
const broken: string[] = []
for (const one of chosen) {
  const comparison = await compare(one)
  results.push({ name: one.name, ...comparison })
  broken.push(...brokenPromises(one, comparison))
  console.table(comparison.rows)
  const { recordedEqualsEager, differenceFromPython, growthOfRounding } = comparison
  console.log(
    `${one.name}: ${COMPARED_STEPS} losses ${recordedEqualsEager ? 'equal' : 'NOT equal'} recorded and eager; ${differenceFromPython.toExponential(1)} from Python's, whose own with nudged weights are ${growthOfRounding.toExponential(1)} from them\n`,
  )
}
if (chosen.length === CASES.length) {
  await mkdir('bench/results', { recursive: true })
  await writeFile(OUT, `${JSON.stringify({ machine: machineText(), rounds: ROUNDS, results }, null, 2)}\n`)
}
for (const text of broken) console.error(text)
process.exitCode = broken.length > 0 ? 1 : 0
