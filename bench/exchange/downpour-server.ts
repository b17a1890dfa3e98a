/** One parameter server in a process of its own, without checkpoints. Argument: folder of the job. */
import { join } from 'node:path'
import { realFileSystem } from '../../src/checkpoint/file-system.ts'
import { createPsMetrics } from '../../src/metrics/ps.ts'
import { ParameterServer } from '../../src/ps/parameter-server.ts'
import { systemClock } from '../../src/support/clock.ts'
import { silentLog } from '../../src/support/log.ts'
import { config } from './model.ts'

const [folder = ''] = process.argv.slice(2)
const server = new ParameterServer({
  config,
  index: 0,
  podUid: 'ps-0',
  attempt: 0,
  checkpointDir: folder,
  sourceDir: '/nowhere',
  historyFile: join(folder, 'history.jsonl'),
  hostsFile: undefined,
  clock: systemClock,
  fs: realFileSystem,
  log: silentLog,
  metrics: createPsMetrics(),
})
process.send?.({ port: await server.start('127.0.0.1', 0) })
process.on('message', () => {
  const { user, system } = process.cpuUsage()
  process.send?.({ cpuMs: (user + system) / 1000, rssBytes: process.memoryUsage.rss() })
})
process.on('disconnect', () => process.exit())
