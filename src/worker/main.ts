/** `downpour worker`: one training process, from what it is told to its last words. */
import { join } from 'node:path'
import { encodeClasses } from '../contract/classes.ts'
import { exitCodeOf } from '../contract/exit-codes.ts'
import {
  claimFolder,
  parseIdentity,
  parseRuntimeConfig,
  readSurroundings,
  type Surroundings,
} from '../contract/parse-config.ts'
import { EXIT, type PlaceArgs, PORTS, type PodIdentity, type RuntimeConfig } from '../contract/runtime.ts'
import { someNames, tellMissingClasses } from '../data/job-classes.ts'
import type { Label } from '../data/labels.ts'
import { tellPassedOver } from '../data/scan/tell.ts'
import { createLoader, type DataFacts, dataFacts } from '../input/loader.ts'
import { startRuntimeHttp } from '../metrics/runtime-http.ts'
import { createWorkerMetrics } from '../metrics/worker.ts'
import { DownpourError } from '../support/errors.ts'
import { hostsLookup } from '../support/hosts.ts'
import { createLog, type Log } from '../support/log.ts'
import { runProcess } from '../support/run-process.ts'
import { readSecret } from '../support/secret.ts'
import { classesOf } from '../tasks/declarations.ts'
import { createTask } from '../tasks/registry.ts'
import type { Task } from '../tasks/task.ts'
import { selectBackend } from '../tensor/backend.ts'
import { tf } from '../tensor/tf.ts'
import { makeLayout } from '../wire/layout.ts'
import { connectShards, type ShardClient } from './client.ts'
import { trainingLoop } from './loop.ts'
import { Reporter } from './report.ts'
import { createStepper } from './step.ts'

interface WorkerContext extends Surroundings {
  config: RuntimeConfig
  identity: PodIdentity
  dataDir: string
  report: Reporter
  signal: AbortSignal
  log: Log
}

export async function runWorker(place: PlaceArgs): Promise<void> {
  const surroundings = readSurroundings(process.env)
  const index = Number(place.index)
  const log = createLog({ role: 'worker', index }, surroundings.logLevel)
  const metrics = createWorkerMetrics({ defaults: true, tensors: () => tf.memory().numTensors })
  const report = new Reporter(index, metrics, log)
  await runProcess({
    work: async (signal) => {
      const config = parseRuntimeConfig(process.env)
      const identity = parseIdentity(place, process.env)
      const dataDir = claimFolder('data', process.env)
      const { host } = surroundings
      const ready = () => report.status.phase === 'training'
      await startRuntimeHttp({
        host,
        port: PORTS.http,
        key: readSecret(surroundings.keyFile),
        registry: metrics.registry,
        status: () => report.status,
        ready,
      })
      await train({ ...surroundings, config, identity, dataDir, report, signal, log })
    },
    status: () => report.status,
    exit: process.exit,
    exitCodeOf,
    codes: EXIT,
    terminationLog: surroundings.terminationLog,
    endsWithRun: surroundings.isLocal,
    log,
  })
}

async function train(context: WorkerContext): Promise<void> {
  const { config, dataDir, report, signal, log } = context
  const { name: backend } = await selectBackend(config.runtime.backend, log)
  report.set({ backend })
  const task = await createTask(config)
  const facts = await dataFacts(dataDir, config.data, unitsToLookInto(context))
  tellPassedOver(facts.passedOver, log)
  const client = await connect(context, task, facts)
  const { seed, batchSize, input, data } = config
  const { leases } = client
  const classes = await agreedClasses(client, facts, context)
  const loader = createLoader({ folder: dataDir, config: data, classes, input, batchSize, seed, leases, signal })
  const stepper = createStepper(task)
  report.set({ phase: 'training' })
  try {
    await trainingLoop({ config, client, loader, stepper, report, signal, log })
  } finally {
    await loader.close()
    await client.close()
  }
  report.set({ phase: 'done' })
  log.info({ localSteps: report.status.localSteps }, 'worker ends: the job has all its steps')
}

/** One worker looks for all. A picture that cannot be read is damage, and does not end the job. */
function unitsToLookInto({ config, identity }: WorkerContext): number {
  return identity.index === 0 && config.data.format === 'tfrecord' ? Number.POSITIVE_INFINITY : 0
}

/** @throws DownpourError LABELS_TOO_MANY, LABELS_TOO_FEW: the first worker's folder must have the classes of the model */
async function connect(context: WorkerContext, task: Task, { labels, units }: DataFacts): Promise<ShardClient> {
  const { config, hostsFile, keyFile, signal, log } = context
  const { index, podUid, attempt } = context.identity
  const wanted = classesOf(config.task)
  return connectShards({
    hosts: config.topology.psHosts,
    port: PORTS.wire,
    lookup: hostsLookup(hostsFile),
    identity: { index, podUid, attempt },
    jobUid: config.job.uid,
    key: readSecret(keyFile),
    layout: makeLayout(task.variables),
    dataUnits: units,
    classes: encodeClasses(labels),
    mayOfferClasses: ({ count }) => {
      if (wanted === undefined || count === wanted) return true
      if (index === 0) throw wrongCount(labels, wanted, config.data.path)
      log.info({ labels: count, classes: wanted }, 'waiting for a worker that has all classes of the job')
      return false
    },
    signal,
    log,
  })
}

/** @throws DownpourError CLASS_UNKNOWN, HIERARCHY_DIFFERS */
async function agreedClasses(client: ShardClient, { labels }: DataFacts, { config, dataDir, log }: WorkerContext) {
  try {
    const { classes } = client
    tellMissingClasses(labels, classes, join(dataDir, config.data.path), log)
    return classes
  } catch (error) {
    await client.close()
    throw error
  }
}

function wrongCount(labels: readonly Label[], classes: number, path: string): DownpourError {
  const code = labels.length > classes ? 'LABELS_TOO_MANY' : 'LABELS_TOO_FEW'
  const names = someNames(labels.map(({ name }) => name))
  const message = `the data has ${labels.length} labels, spec.model.classes is ${classes}: they must be equal (${path}: ${names})`
  return new DownpourError(code, message, { labels: labels.length, classes })
}
