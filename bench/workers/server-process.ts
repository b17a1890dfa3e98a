/**
 * `node server-process.ts INDEX FOLDER HOST...`: a parameter server at a free port, which it sends to its parent. Each
 * message asks for its CPU time, memory and step.
 */
import { join } from 'node:path'
import { realFileSystem } from '../../src/checkpoint/file-system.ts'
import { createPsMetrics } from '../../src/metrics/ps.ts'
import { ParameterServer } from '../../src/ps/parameter-server.ts'
import { systemClock } from '../../src/support/clock.ts'
import { silentLog } from '../../src/support/log.ts'
import { jobConfig } from './job.ts'

export interface ServerUsage {
  readonly atSeconds: number
  readonly cpuSeconds: number
  readonly residentBytes: number
  /** Updates applied, of parameter server 0. */
  readonly step: number
}

const [index = '', folder = '', ...hosts] = process.argv.slice(2)
const server = new ParameterServer({
  config: jobConfig(hosts),
  index: Number(index),
  podUid: `ps-${index}`,
  attempt: 0,
  checkpointDir: folder,
  sourceDir: folder,
  historyFile: join(folder, 'history.jsonl'),
  hostsFile: undefined,
  clock: systemClock,
  fs: realFileSystem,
  log: silentLog,
  metrics: createPsMetrics(),
})
const port = await server.start('127.0.0.1', 0)

process.on('message', () => {
  const { user, system } = process.cpuUsage()
  const usage: ServerUsage = {
    atSeconds: performance.now() / 1000,
    cpuSeconds: (user + system) / 1e6,
    residentBytes: process.memoryUsage.rss(),
    step: Number(server.status().step ?? 0),
  }
  process.send?.(usage)
})
process.on('disconnect', () => process.exit())
process.send?.(port)
