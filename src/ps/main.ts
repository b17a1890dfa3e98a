/** `downpour ps`: the process of one parameter server. */
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { realFileSystem } from '../checkpoint/file-system.ts'
import { exitCodeOf } from '../contract/exit-codes.ts'
import { FILES } from '../contract/files.ts'
import {
  claimFolder,
  parseIdentity,
  parseRuntimeConfig,
  readSurroundings,
  type Surroundings,
} from '../contract/parse-config.ts'
import { runPodProcess } from '../contract/pod-process.ts'
import { exitClass, type PlaceArgs, PORTS } from '../contract/runtime.ts'
import { startProcessServer } from '../http/process-server.ts'
import { exposition } from '../metrics/exposition.ts'
import { createPsMetrics, type PsMetrics } from '../metrics/ps.ts'
import { systemClock } from '../support/clock.ts'
import { DownpourError } from '../support/errors.ts'
import { createLog, type Log } from '../support/log.ts'
import { readSecret } from '../support/secret.ts'
import { ParameterServer } from './parameter-server.ts'

/** That apply a push: with more of them, the memory limits its speed. */
const MAX_THREADS = 4
const WORKERS_LEAVE_WITHIN_MS = 10_000
const SHARDS_WAIT_FOR_ROUND_MS = 20_000

export async function runParameterServer(place: PlaceArgs): Promise<void> {
  const surroundings = readSurroundings(process.env)
  const log = createLog({ role: 'ps', index: Number(place.index) }, surroundings.logLevel)
  const metrics = createPsMetrics({ defaults: true })
  let server: ParameterServer | undefined
  await runPodProcess({
    work: async (signal) => {
      server = assemble(place, surroundings, metrics, log)
      await serve(server, metrics, surroundings, signal)
    },
    status: () => server?.status() ?? {},
    exit: process.exit,
    surroundings,
    log,
  })
}

function assemble(
  place: PlaceArgs,
  { hostsFile, keyFile }: Surroundings,
  metrics: PsMetrics,
  log: Log,
): ParameterServer {
  const config = parseRuntimeConfig(process.env)
  const { index, podUid, attempt } = parseIdentity(place, process.env)
  const checkpointDir = claimFolder('checkpoint', process.env)
  return new ParameterServer({
    config,
    index,
    podUid,
    attempt,
    checkpointDir,
    sourceDir: claimFolder('source', process.env),
    historyFile: join(checkpointDir, config.checkpoint.path, FILES.history),
    hostsFile,
    key: readSecret(keyFile),
    clock: systemClock,
    fs: realFileSystem,
    log: log.child({ job: config.job.name }),
    metrics,
    threads: Math.min(availableParallelism(), MAX_THREADS),
  })
}

/** @throws DownpourError with the code of what ended the job */
async function serve(
  server: ParameterServer,
  { registry }: PsMetrics,
  { host, keyFile }: Surroundings,
  signal: AbortSignal,
): Promise<void> {
  const key = readSecret(keyFile)
  const http = await startProcessServer({
    host,
    port: PORTS.http,
    key,
    metrics: exposition(registry),
    get: { '/status': () => server.status() },
    notReadyBecause: () => (server.listening ? undefined : 'the checkpoint to continue from is not loaded yet'),
    put: { '/pins': (body) => server.pin(body) },
  })
  await server.start(host, PORTS.wire)
  const terminated = new Promise<'terminated'>((resolve) => {
    signal.addEventListener('abort', () => resolve('terminated'), { once: true })
  })
  const ended = await Promise.race([server.ended, terminated])
  if (ended === 'terminated') return server.suspend(SHARDS_WAIT_FOR_ROUND_MS)
  // If the job continues after a restart, workers need not be told that it is done.
  const goesOn = ended !== null && exitClass(exitCodeOf(ended.code)) === 'retryable'
  if (!goesOn) await server.waitUntilAlone(WORKERS_LEAVE_WITHIN_MS)
  await server.close()
  await http.close()
  if (ended) throw new DownpourError(ended.code, ended.message)
}
