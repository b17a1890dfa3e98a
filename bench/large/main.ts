/**
 * `npm run bench:large [-- --steps N]`: training steps of the paper's network and label set: ResNet-101,
 * 18,291 labels in 50 slices, 299 pixels, RMSProp. A job of `downpour run` takes them on native TensorFlow, with a batch of
 * 2 and four parameter servers.
 */
import { mkdir, mkdtemp, readFile, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Command, Option } from 'commander'
import type { Job } from '../../src/api/job.ts'
import { positiveWholeNumber } from '../../src/cli/flag-values.ts'
import { FILES, type HistoryRecord, parseHistoryLine } from '../../src/contract/files.ts'
import { API_VERSION } from '../../src/contract/names.ts'
import { checkpointPath } from '../../src/plan/runtime-config.ts'
import { machineText, mean, median } from '../figures.ts'
import { claimAt, runJobs, yamlOf } from '../local-jobs.ts'
import { LABELS, LABELS_FILE, makeData, TRAINING } from './data.ts'
import { withPeakMemory } from './memory.ts'

const OUT = 'bench/results/large.json'
const SERVERS = 4
const BATCH = 2
/** The first steps are computed operation by operation, and the third one checks the recorded graph. */
const WARM_UP = 3

function manifests(stateDir: string, maxSteps: number): string {
  const spec = {
    preset: 'jft-resnet101',
    data: { source: { claimName: 'data', path: TRAINING }, format: 'tfrecord', labels: LABELS_FILE },
    batchSize: BATCH,
    parameterServer: { replicas: SERVERS },
    workers: { replicas: 1 },
    runtime: { backend: 'tensorflow' },
    maxSteps,
    checkpoint: { everySteps: maxSteps, storage: { volume: { claimName: 'checkpoints' } } },
  }
  const job = { apiVersion: API_VERSION, kind: 'PretrainJob', metadata: { name: 'large' }, spec }
  return yamlOf([claimAt('data', join(stateDir, 'data')), claimAt('checkpoints', join(stateDir, 'checkpoints')), job])
}

async function historyOf(stateDir: string, [job]: readonly Job[]): Promise<HistoryRecord[]> {
  const file = join(stateDir, 'checkpoints', checkpointPath(job as Job), FILES.history)
  return (await readFile(file, 'utf8')).split('\n').flatMap((line) => parseHistoryLine(line) ?? [])
}

function figuresOf(history: readonly HistoryRecord[], peakBytes: ReadonlyMap<string, number>) {
  const times = history.map(({ at }) => Date.parse(at) / 1000)
  const seconds = times.slice(1).map((time, i) => time - (times[i] as number))
  const rounded = (value: number) => Number(value.toFixed(2))
  return {
    losses: history.map(({ loss }) => Number(loss.toPrecision(5))),
    secondsOfWarmUp: seconds.slice(0, WARM_UP - 1).map(rounded),
    secondsAStep: rounded(median(seconds.slice(WARM_UP - 1))),
    peakGiB: Object.fromEntries([...peakBytes].sort().map(([pod, bytes]) => [pod, rounded(bytes / 2 ** 30)])),
  }
}

type Figures = ReturnType<typeof figuresOf>

function brokenPromises({ losses }: Figures, steps: number): string[] {
  // A loss is that of two pictures, so single ones differ much.
  const half = Math.ceil(steps / 2)
  const [first, last] = [mean(losses.slice(0, half)), mean(losses.slice(-half))]
  return [
    ...(losses.length === steps ? [] : [`${losses.length} of ${steps} steps have a loss`]),
    ...(losses.every(Number.isFinite) ? [] : ['a loss is not finite']),
    ...(last < first ? [] : [`the loss does not fall: ${first} in the first half of the steps, ${last} in the second`]),
  ]
}

async function main({ steps }: { steps: number }): Promise<void> {
  // It stays if the job fails: its logs are in it.
  const stateDir = await realpath(await mkdtemp(join(tmpdir(), 'downpour-large-')))
  await makeData(join(stateDir, 'data'))
  const { result, peakBytes } = await withPeakMemory(stateDir, () =>
    runJobs(stateDir, 'large.yaml', manifests(stateDir, steps)),
  )
  const figures = figuresOf(await historyOf(stateDir, result), peakBytes)
  await rm(stateDir, { recursive: true })
  console.table(Object.entries(figures.peakGiB).map(([pod, gibibytes]) => ({ process: pod, 'peak GiB': gibibytes })))
  console.log(`${figures.secondsAStep} s a step; losses ${figures.losses.join(', ')}`)
  const settings = { network: 'resnet101', labels: LABELS, pixels: 299, batch: BATCH, parameterServers: SERVERS }
  await mkdir('bench/results', { recursive: true })
  await writeFile(OUT, `${JSON.stringify({ machine: machineText(), ...settings, steps, ...figures }, null, 2)}\n`)
  const broken = brokenPromises(figures, steps)
  for (const text of broken) console.error(text)
  process.exitCode = broken.length > 0 ? 1 : 0
}

const program = new Command('bench:large')
  .description('steps of ResNet-101 with 18,291 labels; exits with 1 if a loss is not finite, or they do not fall')
  .addOption(new Option('--steps <n>', 'of the job').argParser(positiveWholeNumber).default(10))
await main(program.parse().opts<{ steps: number }>())
