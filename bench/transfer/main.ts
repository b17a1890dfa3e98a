/**
 * `npm run bench:transfer [-- --seeds 1,2,3 --task NAME… --scale SHARE]`: what pre-training gives to each of the paper's
 * transfer tasks. bench/README.md describes the jobs and the promises that are checked.
 */
import { mkdir, writeFile } from 'node:fs/promises'
import { Command, Option } from 'commander'
import { positiveNumber } from '../../src/cli/flag-values.ts'
import { duration } from '../../src/cli/progress.ts'
import { machineText } from '../figures.ts'
import { seedList } from '../seed-list.ts'
import { secondsOfSeed } from './estimate.ts'
import { runSeed } from './run.ts'
import { TASKS, type TransferTask } from './tasks.ts'
import { estimateText, type Scores, type TaskVerdict, verdictOf } from './verdict.ts'

interface Options {
  seeds: readonly number[]
  task?: readonly string[]
  scale: number
  stateDir: string
  out: string
}

const OUT = 'bench/results/transfer.json'
/** A trial does not replace the recorded figures. */
const TRIAL_OUT = '.downpour/transfer-trial.json'

async function main({ seeds, task: chosen, scale, stateDir, out }: Options): Promise<void> {
  const tasks = TASKS.filter(({ name }) => chosen === undefined || chosen.includes(name))
  const run = (seed: number) => ({ seed, scale, stateDir: `${stateDir}/${seed}` })
  const expected = secondsOfSeed(run(seeds[0] as number), tasks)
  console.log(`${tasks.length} tasks, ${seeds.length} seeds: about ${duration(expected * seeds.length)} on 2 cores`)
  const scores = new Map<string, Scores[]>(tasks.map(({ name }) => [name, []]))
  const startedMs = performance.now()
  for (const [done, seed] of seeds.entries()) {
    console.log(`\nseed ${seed} (${done + 1} of ${seeds.length})`)
    for (const [name, one] of await runSeed(run(seed), tasks)) scores.get(name)?.push(one)
    const verdicts = tasks.map((task) => verdictOf(task, scores.get(task.name) ?? []))
    await record(out, { seeds: seeds.slice(0, done + 1), scale }, scores, verdicts)
    for (const verdict of verdicts) printVerdict(verdict)
    printRest((performance.now() - startedMs) / 1000, done + 1, seeds.length)
    if (done + 1 === seeds.length) process.exitCode = isKept(verdicts) ? 0 : 1
  }
  console.log(`\nwritten to ${out}`)
}

function printVerdict({ task, metric, scores, gain, checks }: TaskVerdict): void {
  console.log(`\n${task}: ${metric}, gain of pre-training ${estimateText(gain)}`)
  for (const [variant, score] of Object.entries(scores)) console.log(`  ${variant.padEnd(18)} ${estimateText(score)}`)
  for (const { promise, value, kept } of checks)
    console.log(`  ${kept === undefined ? 'unknown' : kept ? 'kept   ' : 'BROKEN '} ${promise}: ${value}`)
}

function printRest(seconds: number, done: number, all: number): void {
  if (done < all) console.log(`\nabout ${duration((seconds / done) * (all - done))} left`)
}

/** One seed has no standard error, so it cannot keep every promise. */
function isKept(verdicts: readonly TaskVerdict[]): boolean {
  return verdicts.every(({ checks }) => checks.every(({ kept }) => kept === true))
}

async function record(out: string, run: object, scores: Map<string, Scores[]>, verdicts: TaskVerdict[]): Promise<void> {
  const contents = { machine: machineText(), ...run, scores: Object.fromEntries(scores), verdicts }
  await mkdir(out.slice(0, out.lastIndexOf('/')), { recursive: true })
  await writeFile(out, `${JSON.stringify(contents, null, 2)}\n`)
}

const program = new Command('bench:transfer')
  .description(
    'what pre-training gives to each transfer task, beside random twins and a control; exits with 1 if a promise is broken',
  )
  .addOption(new Option('--seeds <list>', 'seeds of data and weights').argParser(seedList).default([1, 2, 3], '1,2,3'))
  .addOption(new Option('--task <name...>', 'only these tasks').choices(TASKS.map(({ name }: TransferTask) => name)))
  .addOption(
    new Option('--scale <share>', 'of all steps: 0.01 tries the benchmark, with scores that mean nothing')
      .argParser(positiveNumber)
      .default(1),
  )
  .option('--state-dir <dir>', 'of the runs; jobs that have ended there do not run again', '.downpour/bench-transfer')
  .option('--out <file>', `default: ${OUT}, or ${TRIAL_OUT} with another scale or without all tasks`)
const options = program.parse().opts<Omit<Options, 'out'> & { out?: string }>()
const isTrial = options.scale !== 1 || options.task !== undefined
await main({ ...options, out: options.out ?? (isTrial ? TRIAL_OUT : OUT) })
