/** `downpour worker`: one training process, from its configuration to its termination message. */
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { encodeClasses } from '../contract/classes.ts'
import {
  claimFolder,
  parseIdentity,
  parseRuntimeConfig,
  readSurroundings,
  type Surroundings,
} from '../contract/parse-config.ts'
import { runPodProcess } from '../contract/pod-process.ts'
import {
  ARGS,
  type PlaceArgs,
  PORTS,
  type PodIdentity,
  type RuntimeConfig,
  SHARED_MEMORY,
} from '../contract/runtime.ts'
import { someNames } from '../data/label-names.ts'
import type { Label } from '../data/labels.ts'
import { logMissingClasses } from '../data/match-classes.ts'
import { startProcessServer } from '../http/process-server.ts'
import type { DataFacts } from '../input/loader-messages.ts'
import { exposition } from '../metrics/exposition.ts'
import { createWorkerMetrics } from '../metrics/worker.ts'
import { cacheRoot } from '../support/cache-root.mjs'
import { DownpourError } from '../support/errors.ts'
import { hostsLookup } from '../support/hosts.ts'
import { createLog, type Log } from '../support/log.ts'
import { readSecret } from '../support/secret.ts'
import { classesOf } from '../tasks/declarations.ts'
import { createTask } from '../tasks/registry.ts'
import type { Task } from '../tasks/task.ts'
import { tf } from '../tensor/tf.ts'
import { makeLayout, placementOf, wholeLayout } from '../wire/layout.ts'
import { calibration, imagesToMeasure } from './calibrate.ts'
import { connectShards, type ShardClient } from './client.ts'
import { trainingLoop } from './loop.ts'
import { openSingle } from './open-single.ts'
import type { Launch } from './processes/compute-process.ts'
import { environmentOf, type Share } from './processes/environment.ts'
import { openProcesses } from './processes/open-processes.ts'
import { Reporter } from './report.ts'
import type { OpenSource } from './step-source.ts'

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
  await runPodProcess({
    work: async (signal) => {
      const config = parseRuntimeConfig(process.env)
      const identity = parseIdentity(place, process.env)
      const dataDir = claimFolder('data', process.env)
      const { host } = surroundings
      await startProcessServer({
        host,
        port: PORTS.http,
        key: readSecret(surroundings.keyFile),
        metrics: exposition(metrics.registry),
        get: { '/status': () => report.status },
        notReadyBecause: () => (report.status.phase === 'training' ? undefined : report.status.phase),
      })
      await train({ ...surroundings, config, identity, dataDir, report, signal, log })
    },
    status: () => report.status,
    exit: process.exit,
    surroundings,
    log,
  })
}

async function train(context: WorkerContext): Promise<void> {
  const { config, report, log } = context
  const opened = await openSource(context)
  const { signal, backend } = opened
  report.set({ backend })
  try {
    await trainFrom(opened, await createTask(config), { ...context, signal })
  } catch (error) {
    throw isAbort(error) && signal.aborted ? signal.reason : error
  } finally {
    await opened.close()
  }
  report.set({ phase: 'done' })
  log.info({ localSteps: report.status.localSteps }, 'worker ends, because the job has done all steps')
}

/** What waits for a clock then does not say why. */
function isAbort(error: unknown): boolean {
  return error instanceof Error && error.name === 'AbortError'
}

async function openSource(context: WorkerContext): Promise<OpenSource> {
  const { config, identity, gpu, report, signal, ...place } = context
  const { perPod = 1 } = config
  if (perPod === 1) {
    const timed = <T>(batch: Promise<T>) => report.timed('data', batch)
    const onBackend = (backend: string) => report.set({ backend })
    const how = { isChecking: identity.index === 0, cache: cacheRoot(process.env), onBackend, timed }
    return openSingle({ ...place, ...how, config, gpu, signal })
  }
  const share = { processes: perPod, hasGpu: gpu !== undefined, cpus: availableParallelism() }
  return openProcesses({
    processes: perPod,
    launchOf: (process) => launchOf(identity, { ...share, process }),
    folder: SHARED_MEMORY,
    whole: wholeLayout(await createTask(config)),
    onWaited: (seconds) => report.onWaited('data', seconds),
    signal,
  })
}

/** This program again, with its own number. */
function launchOf({ index, attempt }: PodIdentity, share: Share): Launch {
  const numbers = { index, attempt, process: share.process } as const
  const args = Object.entries(numbers).flatMap(([name, value]) => [ARGS[name as keyof typeof ARGS], String(value)])
  const program = [process.execPath, ...process.execArgv, process.argv[1] ?? '']
  return { command: [...program, 'worker', ...args], environment: environmentOf(process.env, share) }
}

async function trainFrom({ facts, start }: OpenSource, task: Task, context: WorkerContext): Promise<void> {
  const { config, report, signal, log } = context
  const client = await connect(context, task, facts)
  try {
    const isCalibrating = config.batchNorm.mode === 'calibrated' && context.identity.index === 0
    const images = isCalibrating ? await imagesToMeasure(client) : 0
    const classes = agreedClasses(client, facts, context)
    const source = start(client.leases, { classes, calibrationImages: images })
    report.set({ phase: 'training' })
    const prepare = isCalibrating ? calibration({ images, measure: source.measure }) : undefined
    await trainingLoop({ config, client, source, prepare, report, signal, log })
  } finally {
    await client.close()
  }
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
    placement: placementOf(config),
    overlap: config.async.prefetch ?? false,
    compression: config.async.compression,
    dataUnits: units,
    classes: encodeClasses(labels),
    mayOfferClasses: ({ count }) => {
      if (wanted === undefined || count === wanted) return true
      if (index === 0) throw wrongCount(labels, wanted, config.data.path)
      log.info({ labels: count, classes: wanted }, 'waiting for a worker whose data has all classes of the job')
      return false
    },
    signal,
    log,
  })
}

/** @throws DownpourError CLASS_UNKNOWN, HIERARCHY_DIFFERS */
function agreedClasses({ classes }: ShardClient, { labels }: DataFacts, { config, dataDir, log }: WorkerContext) {
  logMissingClasses(labels, classes, join(dataDir, config.data.path), log)
  return classes
}

function wrongCount(labels: readonly Label[], classes: number, path: string): DownpourError {
  const code = labels.length > classes ? 'LABELS_TOO_MANY' : 'LABELS_TOO_FEW'
  const names = someNames(labels.map(({ name }) => name))
  const where = path === '.' ? '' : `${path}: `
  const message = `the data has ${labels.length} labels, spec.task.classes is ${classes}: they must be equal (${where}${names})`
  return new DownpourError(code, message, { labels: labels.length, classes })
}
