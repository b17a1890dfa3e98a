/** `downpour evaluate`: scores a job's checkpoints as they are committed, then leaves the results as its last words. */
import { writeFile } from 'node:fs/promises'
import { setPriority } from 'node:os'
import { join } from 'node:path'
import { exitCodeOf, lastWordsOf, type ProcessFacts, readProcessFacts } from '../contract/process.ts'
import { EXIT, PORTS } from '../contract/runtime.ts'
import type { EvaluatorStatus } from '../contract/status.ts'
import { startRuntimeHttp } from '../metrics/runtime-http.ts'
import { createEvaluatorMetrics } from '../metrics/worker.ts'
import { buildModel } from '../models/resnet.ts'
import { systemClock } from '../support/clock.ts'
import { errorCode, errorMessage } from '../support/errors.ts'
import { createLog } from '../support/log.ts'
import { createTask } from '../tasks/create-task.ts'
import { selectBackend } from '../tensor/backend.ts'
import { evaluateCheckpoint } from './evaluate.ts'
import { followCheckpoints } from './follow.ts'

/** Training comes first where both share a machine. */
const NICENESS = 10

export async function runEvaluator(): Promise<void> {
  const status: EvaluatorStatus = { role: 'evaluator', index: 0, phase: 'waiting', evaluations: [], failure: null }
  const stopping = new AbortController()
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => (stopping.signal.aborted ? process.exit(EXIT.terminated) : stopping.abort()))
  }
  let terminationLog: string | undefined
  try {
    const facts = readProcessFacts(process.env)
    terminationLog = facts.terminationLog
    await evaluate(facts, status, stopping.signal)
    status.phase = 'done'
    process.exitCode = EXIT.ok
  } catch (error) {
    const failure = { code: errorCode(error), message: errorMessage(error) }
    process.exitCode = stopping.signal.aborted ? EXIT.terminated : exitCodeOf(failure.code)
    if (!stopping.signal.aborted) {
      Object.assign(status, { phase: 'failed', failure, ...failure })
      process.stderr.write(`downpour evaluate: ${failure.code}: ${failure.message}\n`)
    }
  }
  if (terminationLog) await writeFile(terminationLog, lastWordsOf({ ...status })).catch(() => {})
  process.exit()
}

async function evaluate(facts: ProcessFacts, status: EvaluatorStatus, signal: AbortSignal): Promise<void> {
  const { config, host, dirs } = facts
  const log = createLog({ role: 'evaluator', job: config.job.name }, facts.logLevel)
  const metrics = createEvaluatorMetrics()
  setPriority(NICENESS)
  const http = await startRuntimeHttp({
    host,
    port: PORTS.http,
    registry: metrics.registry,
    status: () => status,
    ready: () => true,
  })
  try {
    await selectBackend(config.runtime.backend, log)
    const model = buildModel({
      ...config.model,
      protocol: config.protocol,
      loss: config.loss,
      batchNorm: config.batchNorm,
    })
    const task = createTask(config)
    await followCheckpoints({
      jobFolder: join(dirs.checkpoint, config.checkpoint.path),
      score: ({ folder, digest }) =>
        evaluateCheckpoint({ folder, digest, config, evaluationDir: dirs.evaluation, model, task, signal }),
      status,
      metrics,
      clock: systemClock,
      signal,
      log,
    })
  } finally {
    http.close()
  }
}
