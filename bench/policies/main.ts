/**
 * `npm run bench:policies [-- --seeds 1,2,3 --only NAME… --steps N]`: whether jobs of several workers learn as well with
 * each asynchrony policy as with `async`. bench/README.md says what is compared.
 */
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { Command, Option } from 'commander'
import { wholeNumber } from '../../src/cli/flag-values.ts'
import { duration } from '../../src/cli/progress.ts'
import { machineText } from '../figures.ts'
import { metricOf, runJobs } from '../local-jobs.ts'
import { seedList } from '../seed-list.ts'
import { estimateText } from '../transfer/verdict.ts'
import { CONTENDERS, type Contender, WORKERS } from './contenders.ts'
import { jobName, manifests, type Run } from './manifests.ts'
import { type Verdict, verdicts } from './verdict.ts'

const STEPS = 500
const OUT = 'bench/results/policies.json'
/** A trial does not replace the recorded figures. */
const TRIAL_OUT = '.downpour/policies-trial.json'
/** Of a step with one gradient, on 2 cores with WebAssembly, and to start a job, save and score it. */
const GRADIENT_SECONDS = 0.1
const JOB_SECONDS = 12

interface Options extends Run {
  only?: readonly string[]
}

async function main({ only, ...run }: Options): Promise<void> {
  const contenders = CONTENDERS.filter(({ name }, i) => i === 0 || only === undefined || only.includes(name))
  console.log(`${contenders.length * run.seeds.length} jobs: about ${duration(secondsOf(run, contenders))} on 2 cores`)
  const jobs = await runJobs(run.stateDir, 'policies.yaml', manifests(run, contenders), ['--parallel-jobs', '1'])
  const lossOf = (contender: Contender) => run.seeds.map((seed) => metricOf(jobs, jobName(contender, seed), 'loss'))
  const losses = new Map(contenders.map((contender) => [contender.name, lossOf(contender)]))
  const found = verdicts(losses)
  console.log(`\nloss of the evaluation set after ${run.steps} steps of ${WORKERS} workers`)
  console.table(found.map(rowOf))
  const out = run.steps === STEPS && only === undefined ? OUT : TRIAL_OUT
  await record(out, { seeds: run.seeds, steps: run.steps, losses: Object.fromEntries(losses), verdicts: found })
  const isPromised = (name: string) => !contenders.some((contender) => contender.name === name && contender.isWorse)
  process.exitCode = found.every(({ name, kept }) => kept || !isPromised(name)) ? 0 : 1
}

function secondsOf({ seeds, steps }: Run, contenders: readonly Contender[]): number {
  const perSeed = contenders.map(({ gradients }) => JOB_SECONDS + steps * gradients * GRADIENT_SECONDS)
  return seeds.length * perSeed.reduce((sum, seconds) => sum + seconds, 0)
}

function rowOf({ name, loss, difference, standardError, kept }: Verdict): Record<string, string> {
  return {
    policy: name,
    loss: estimateText(loss),
    'less async': estimateText({ mean: difference, standardError }),
    'within 2 s.e.': kept === undefined ? 'unknown: one seed' : kept ? 'yes' : 'NO',
  }
}

async function record(out: string, figures: object): Promise<void> {
  await mkdir(dirname(out), { recursive: true })
  await writeFile(out, `${JSON.stringify({ machine: machineText(), ...figures }, null, 2)}\n`)
  console.log(`written to ${out}`)
}

const program = new Command('bench:policies')
  .description('the loss with each asynchrony policy; exits with 1 if one is more than 2 standard errors above async')
  .addOption(new Option('--seeds <list>', 'of weights and order').argParser(seedList).default([1, 2, 3], '1,2,3'))
  .addOption(new Option('--only <name...>', 'besides async').choices(CONTENDERS.map(({ name }) => name)))
  .addOption(new Option('--steps <n>', 'of each job').argParser(wholeNumber).default(STEPS))
  .option('--state-dir <dir>', 'of the runs; jobs that have ended there do not run again', '.downpour/bench-policies')
await main(program.parse().opts<Options>())
