/**
 * A worker with two processes, on two parameter servers, compared with a training loop in one process that adds the gradients
 * of two batches. Each process reads the data by itself, so the plain loop has a loader for each, with every second lease.
 */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import type { RuntimeConfig } from '../../../src/contract/runtime.ts'
import type { ClassLabels } from '../../../src/data/dataset.ts'
import type { Batch } from '../../../src/input/batch.ts'
import { openLoader } from '../../../src/input/loader.ts'
import { createWorkerMetrics } from '../../../src/metrics/worker.ts'
import { silentLog } from '../../../src/support/log.ts'
import { createRandom } from '../../../src/support/random.ts'
import { createTask } from '../../../src/tasks/registry.ts'
import type { Task } from '../../../src/tasks/task.ts'
import { selectBackend } from '../../../src/tensor/backend.ts'
import { makeLayout } from '../../../src/wire/layout.ts'
import { trainingLoop } from '../../../src/worker/loop.ts'
import { Reporter } from '../../../src/worker/report.ts'
import { createStepper, type StepOutput } from '../../../src/worker/step.ts'
import { eventually } from '../../support/eventually.ts'
import { temporaryFolder } from '../../support/temporary-folder.ts'
import { png, writeRecords } from '../../unit/data/builders.ts'
import { epochs, INPUT, ListedLeases } from '../../unit/input/builders.ts'
import { makeConfig } from '../../unit/ps/fixtures.ts'
import { startFleet } from './harness.ts'
import { PlainLoop, RMSPROP, STATISTIC_DECAY } from './plain-loop.ts'
import { openReal, processesOf } from './real-processes.ts'

const PROCESSES = 2
const POD = `pod-${randomUUID()}`
const UPDATES = 10
const UNITS = 6
const RATE = 1e-3
const folder = temporaryFolder()
const random = createRandom(9)
const recordsOf = (unit: number) =>
  Promise.all(
    Array.from({ length: 8 }, async (_, i) => ({
      ...{ id: `${unit}-${i}`, labels: [random.int(4)], encoded: await png(random.int(256)) },
    })),
  )

const config: RuntimeConfig = makeConfig({
  seed: 3,
  task: INPUT,
  data: await writeRecords(folder, await Promise.all(Array.from({ length: UNITS }, (_, unit) => recordsOf(unit)))),
  batchSize: 4,
  maxSteps: UPDATES,
  optimizer: { type: 'rmsprop', ...RMSPROP },
  learningRate: { type: 'constant', initial: RATE },
  weightDecay: 1e-4,
  batchNorm: { decay: STATISTIC_DECAY, epsilon: 1e-5 },
  perPod: PROCESSES,
  topology: { parameterServers: 1, workers: 1, psHosts: ['127.0.0.1'] },
  runtime: { backend: 'wasm' },
})

test('a worker with two processes equals a plain loop over the sums of two gradients, bit by bit', async () => {
  await selectBackend('wasm', silentLog)
  const task = await createTask(config)
  const { weights, examples } = await trainOnServers(task)
  assert.equal(examples, UPDATES * PROCESSES * config.batchSize)
  const expected = await trainPlainly(task)
  for (const { name } of task.variables) assert.deepEqual(weights.get(name), expected.get(name), name)
})

test('no process of a worker that is killed stays behind', async (t) => {
  const program = fileURLToPath(new URL('./killed-opener.ts', import.meta.url))
  const podUid = randomUUID()
  const opener = spawn(process.execPath, [program, JSON.stringify({ config, dataDir: folder, podUid })], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  t.after(() => opener.kill('SIGKILL'))
  await once(opener.stdout, 'data')
  assert.equal(processesOf(podUid).length, PROCESSES)
  opener.kill('SIGKILL')
  await eventually(() => assert.deepEqual(processesOf(podUid), []), { timeoutMs: 30_000 })
})

type Weights = Map<string, Float32Array>

async function trainOnServers(task: Task): Promise<{ weights: Weights; examples: number }> {
  const opened = await openReal({ config, dataDir: folder, podUid: POD })
  // One step is left, so that the weights can be pulled after the last update.
  const fleet = await startFleet({ ...config, maxSteps: UPDATES + 1 }, { shards: 2 })
  try {
    const { units, labels } = opened.facts
    const client = await fleet.connect(0, makeLayout(task.variables), { dataUnits: units, classes: labels })
    const source = opened.start(new ListedLeases(epochs(units)), { classes: client.classes })
    let left = UPDATES
    let examples = 0
    const next = async (into?: ReadonlyMap<string, Float32Array>) => {
      // The group of a pod gets a signal before the worker has stopped.
      if (left === UPDATES / 2) for (const pid of processesOf(POD)) process.kill(pid, 'SIGTERM')
      const step = left-- > 0 ? await source.next(into) : null
      examples += step?.examples ?? 0
      return step
    }
    const report = new Reporter(0, createWorkerMetrics({ tensors: () => 0 }), silentLog)
    const { signal } = opened
    await trainingLoop({ config, client, source: { ...source, next }, report, signal, log: silentLog })
    assert.equal(report.status.localSteps, UPDATES * PROCESSES)
    const { step, weights } = await client.pull()
    assert.equal(step, UPDATES, 'a push of the sum is one step')
    const copy = new Map([...weights].map(([name, values]) => [name, values.slice()]))
    await client.close()
    return { weights: copy, examples }
  } finally {
    await opened.close()
    await fleet.close()
  }
}

async function trainPlainly(task: Task): Promise<Weights> {
  const batches = await Promise.all(Array.from({ length: PROCESSES }, (_, number) => batchesOf(number)))
  const [read, byOther] = batches.map((some) => new Set(some.flatMap(({ ids }) => ids))) as [Set<string>, Set<string>]
  assert.ok(read.isDisjointFrom(byOther), 'the processes read different examples')
  assert.equal(read.size + byOther.size, UNITS * 8, 'and together all of them')
  const loop = new PlainLoop(task.variables, config)
  const stepper = createStepper(task)
  for (let update = 0; update < UPDATES; update++) {
    stepper.load(loop.weights)
    const outputs: StepOutput[] = []
    for (const some of batches) outputs.push(await stepper.step(some[update] as Batch<ClassLabels>))
    const [gradients, sums] = [summed(outputs, 'gradients'), summed(outputs, 'statistics')]
    const statistics = new Map([...sums].map(([name, sum]) => [name, sum.map((value) => value / PROCESSES)]))
    loop.update({ gradients, statistics, batches: PROCESSES, learningRate: RATE })
  }
  stepper.dispose()
  return loop.weights
}

/** The first batches of a process. */
async function batchesOf(number: number): Promise<Batch<ClassLabels>[]> {
  const open = await openLoader<ClassLabels>({
    ...{ task: config.task, data: config.data, batchSize: config.batchSize, seed: config.seed },
    thread: new URL('../../../src/worker/loader-thread.ts', import.meta.url),
    folder,
    unitsToCheck: 0,
    workers: PROCESSES,
    signal: new AbortController().signal,
  })
  const everySecond = [...epochs(UNITS, 100)].filter((_, i) => i % PROCESSES === number)
  const loader = open.start(new ListedLeases(everySecond), { classes: open.facts.labels })
  const batches: Batch<ClassLabels>[] = []
  while (batches.length < UPDATES) batches.push((await loader.next()) as Batch<ClassLabels>)
  await open.close()
  return batches
}

function summed(outputs: readonly StepOutput[], kind: 'gradients' | 'statistics'): Weights {
  const [first, ...others] = outputs as [StepOutput, ...StepOutput[]]
  const sumOf = (name: string, values: Float32Array) =>
    values.map((value, i) => others.reduce((sum, one) => Math.fround(sum + (one[kind].get(name)?.[i] ?? 0)), value))
  return new Map([...first[kind]].map(([name, values]) => [name, sumOf(name, values)]))
}
