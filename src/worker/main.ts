/** `downpour worker`: one training process, from its environment to its last words. */
import { writeFile } from 'node:fs/promises'
import { exitCodeOf, lastWordsOf, type ProcessFacts, readProcessFacts } from '../contract/process.ts'
import { EXIT, PORTS } from '../contract/runtime.ts'
import { createLoader, dataFacts } from '../data/loader.ts'
import { startRuntimeHttp } from '../metrics/runtime-http.ts'
import { createWorkerMetrics } from '../metrics/worker.ts'
import { buildModel } from '../models/resnet.ts'
import { DownpourError, errorCode, errorMessage } from '../support/errors.ts'
import { hostsLookup } from '../support/hosts.ts'
import { createLog, type Log } from '../support/log.ts'
import { createTask } from '../tasks/create-task.ts'
import { selectBackend } from '../tensor/backend.ts'
import { makeLayout } from '../wire/layout.ts'
import { connectShards } from './client.ts'
import { trainingLoop } from './loop.ts'
import { Reporter } from './report.ts'
import { createStepper } from './step.ts'

export async function runWorker(): Promise<void> {
  let terminationLog: string | undefined
  const stopping = new AbortController()
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => (stopping.signal.aborted ? process.exit(EXIT.terminated) : stopping.abort()))
  }
  try {
    const facts = readProcessFacts(process.env)
    terminationLog = facts.terminationLog
    await train(facts, stopping.signal)
    process.exitCode = EXIT.ok
  } catch (error) {
    process.exitCode = stopping.signal.aborted ? EXIT.terminated : exitCodeOf(errorCode(error))
    const words = { code: errorCode(error), message: errorMessage(error) }
    if (!stopping.signal.aborted) {
      process.stderr.write(`downpour worker: ${words.code}: ${words.message}\n`)
      if (terminationLog) await writeFile(terminationLog, lastWordsOf(words)).catch(() => {})
    }
  }
  process.exit()
}

async function train(facts: ProcessFacts, signal: AbortSignal): Promise<void> {
  const { config, identity, host } = facts
  const log = createLog({ role: 'worker', index: identity.index, job: config.job.name }, facts.logLevel)
  const metrics = createWorkerMetrics()
  const report = new Reporter(identity.index, metrics, log)
  const http = await startRuntimeHttp({
    host,
    port: PORTS.http,
    registry: metrics.registry,
    status: () => report.status,
    ready: () => report.status.phase === 'training',
  })
  try {
    const { name: backend } = await selectBackend(config.runtime.backend, log)
    report.set({ backend })
    await trainWith(facts, report, signal, log)
    report.set({ phase: 'done' })
    log.info({ localSteps: report.status.localSteps }, 'worker ends: the job has all its steps')
  } finally {
    http.close()
  }
}

async function trainWith(
  { config, identity, dirs, hostsFile }: ProcessFacts,
  report: Reporter,
  signal: AbortSignal,
  log: Log,
): Promise<void> {
  const model = buildModel({
    ...config.model,
    protocol: config.protocol,
    loss: config.loss,
    batchNorm: config.batchNorm,
  })
  const { units, classes } = await dataFacts(dirs.data, config.data)
  if (classes > config.model.classes) {
    throw new DownpourError(
      'LABELS_TOO_MANY',
      `the data has ${classes} labels, spec.model.classes is ${config.model.classes}`,
    )
  }
  const client = await connectShards({
    hosts: config.topology.psHosts,
    port: PORTS.wire,
    lookup: hostsLookup(hostsFile),
    identity,
    jobUid: config.job.uid,
    layout: makeLayout(model.variables),
    dataUnits: units,
    signal,
    log,
  })
  const { seed, batchSize, input, data } = config
  const loader = createLoader({
    folder: dirs.data,
    config: data,
    input,
    batchSize,
    seed,
    leases: client.leases,
    signal,
  })
  const stepper = createStepper(model, createTask(config), input.cropPixels)
  report.set({ phase: 'training' })
  try {
    await trainingLoop({ config, client, loader, stepper, report, signal, log })
  } finally {
    await loader.close()
    await client.close()
  }
}
