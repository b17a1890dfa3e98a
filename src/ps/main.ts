/** `downpour ps`: one parameter server, from its environment to its last words. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { realFileSystem } from '../checkpoint/file-system.ts'
import { FILES } from '../contract/files.ts'
import { exitCodeOf, lastWordsOf, type ProcessFacts, readProcessFacts } from '../contract/process.ts'
import { EXIT, PORTS } from '../contract/runtime.ts'
import { createPsMetrics } from '../metrics/ps.ts'
import { startRuntimeHttp } from '../metrics/runtime-http.ts'
import { systemClock } from '../support/clock.ts'
import { errorCode, errorMessage } from '../support/errors.ts'
import { createLog } from '../support/log.ts'
import { ParameterServer } from './parameter-server.ts'

const WORKERS_LEAVE_WITHIN_MS = 10_000
const SHARDS_WAIT_FOR_ROUND_MS = 20_000

export async function runParameterServer(): Promise<void> {
  let words: Record<string, unknown> = {}
  let terminationLog: string | undefined
  try {
    const facts = readProcessFacts(process.env)
    terminationLog = facts.terminationLog
    const [exitCode, status] = await serve(facts)
    words = status
    process.exitCode = exitCode
  } catch (error) {
    words = {
      failure: { code: errorCode(error), message: errorMessage(error) },
      code: errorCode(error),
      message: errorMessage(error),
    }
    process.stderr.write(`downpour ps: ${errorCode(error)}: ${errorMessage(error)}\n`)
    process.exitCode = exitCodeOf(errorCode(error))
  }
  if (terminationLog) await writeFile(terminationLog, lastWordsOf(words)).catch(() => {})
  process.exit()
}

async function serve(facts: ProcessFacts): Promise<[number, Record<string, unknown>]> {
  const { config, identity, host } = facts
  const log = createLog({ role: 'ps', index: identity.index, job: config.job.name }, facts.logLevel)
  const metrics = createPsMetrics({ defaults: true })
  const terminated = new Promise<'terminated'>((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => resolve('terminated'))
  })
  const server = new ParameterServer({
    config,
    index: identity.index,
    podUid: identity.podUid,
    checkpointDir: facts.dirs.checkpoint,
    sourceDir: facts.dirs.source,
    historyFile: join(facts.dirs.checkpoint, config.checkpoint.path, FILES.history),
    hostsFile: facts.hostsFile,
    clock: systemClock,
    fs: realFileSystem,
    log,
    metrics,
  })
  const http = await startRuntimeHttp({
    host,
    port: PORTS.http,
    registry: metrics.registry,
    status: () => server.status(),
    ready: () => server.listening,
    routes: { 'PUT /pins': (body) => server.pin(body) },
  })
  await server.start(host, PORTS.wire)
  const ended = await Promise.race([server.ended, terminated])
  const exitCode = await finish(server, ended)
  http.close()
  log.info({ exitCode }, 'parameter server ends')
  return [exitCode, { ...server.status() }]
}

async function finish(
  server: ParameterServer,
  ended: Awaited<ParameterServer['ended']> | 'terminated',
): Promise<number> {
  if (ended === 'terminated') {
    await server.suspend(SHARDS_WAIT_FOR_ROUND_MS)
    return EXIT.terminated
  }
  await server.waitUntilAlone(WORKERS_LEAVE_WITHIN_MS)
  await server.close()
  return ended === null ? EXIT.ok : exitCodeOf(ended.code)
}
