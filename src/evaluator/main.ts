/** `downpour evaluate`: scores the checkpoints of a job as they are committed, and writes the results as its termination message. */
import { setPriority } from 'node:os'
import { join } from 'node:path'
import { realFileSystem } from '../checkpoint/file-system.ts'
import { FILES } from '../contract/files.ts'
import { mustUseGpu } from '../contract/gpu.ts'
import { claimFolder, parseRuntimeConfig, readSurroundings, type Surroundings } from '../contract/parse-config.ts'
import { runPodProcess } from '../contract/pod-process.ts'
import { PORTS } from '../contract/runtime.ts'
import type { EvaluatorStatus } from '../contract/status.ts'
import { startProcessServer } from '../http/process-server.ts'
import { createEvaluatorMetrics, type EvaluatorMetrics } from '../metrics/evaluator.ts'
import { exposition } from '../metrics/exposition.ts'
import { cacheRoot } from '../support/cache-root.mjs'
import { systemClock } from '../support/clock.ts'
import { createLog, type Log } from '../support/log.ts'
import { readSecret } from '../support/secret.ts'
import { createTask } from '../tasks/registry.ts'
import { selectBackend } from '../tensor/backend.ts'
import { checkScoring } from './check-scoring.ts'
import { evaluateCheckpoint } from './evaluate.ts'
import { compareOnce, openEvaluationSet, settingsOf } from './evaluation-set.ts'
import { followCheckpoints } from './follow.ts'
import { createInference } from './inference.ts'
import { picturesWriter } from './pictures-file.ts'

/** Lower priority than the workers that may share its machine. */
const NICENESS = 10

export async function runEvaluator(): Promise<void> {
  const status: EvaluatorStatus = { role: 'evaluator', index: 0, phase: 'waiting', evaluations: [], failure: null }
  const surroundings = readSurroundings(process.env)
  const { host, keyFile } = surroundings
  const log = createLog({ role: 'evaluator' }, surroundings.logLevel)
  const metrics = createEvaluatorMetrics({ defaults: true })
  await runPodProcess({
    work: async (signal) => {
      const key = readSecret(keyFile)
      await startProcessServer({
        host,
        port: PORTS.http,
        key,
        metrics: exposition(metrics.registry),
        get: { '/status': () => status },
      })
      setPriority(NICENESS)
      await evaluate(status, metrics, surroundings, signal, log)
      status.phase = 'done'
    },
    status: () => status,
    exit: process.exit,
    surroundings,
    log,
  })
}

async function evaluate(
  status: EvaluatorStatus,
  metrics: EvaluatorMetrics,
  { decoders }: Surroundings,
  signal: AbortSignal,
  log: Log,
): Promise<void> {
  const config = parseRuntimeConfig(process.env)
  const evaluationDir = claimFolder('evaluation', process.env)
  const checkpointDir = claimFolder('checkpoint', process.env)
  const jobFolder = join(checkpointDir, config.checkpoint.path)
  const set = await openEvaluationSet(evaluationDir, config, log, { signal })
  await checkScoring(config, set, { signal })
  const backend = await selectBackend(config.runtime.backend, log, cacheRoot(process.env))
  mustUseGpu(readSurroundings(process.env).gpu, backend)
  const task = await createTask(config)
  const inference = createInference(task, { graph: config.runtime.graph ?? 'auto', log })
  await followCheckpoints({
    jobFolder,
    settings: settingsOf(config, set),
    beforePoll: compareOnce(set, join(jobFolder, FILES.classes), log),
    score: ({ folder, digest }) => {
      const onPictures = picturesWriter({ folder, digest }, { fs: realFileSystem, log })
      return evaluateCheckpoint({ folder, digest, config, set, task, inference, signal, decoders, onPictures })
    },
    status,
    metrics,
    clock: systemClock,
    fs: realFileSystem,
    signal,
    log,
  })
}
