/**
 * `node server-process.ts INDEX FOLDER HOST...`: a parameter server at a free port, which it sends to its parent. Each
 * message asks for its CPU time, memory and step.
 */
import { ParameterServer } from '../../src/ps/parameter-server.ts'
import { serverOptions } from '../../test/support/server-options.ts'
import { jobConfig } from './job.ts'

export interface ServerUsage {
  readonly atSeconds: number
  readonly cpuSeconds: number
  readonly residentBytes: number
  /** Updates applied, of parameter server 0. */
  readonly step: number
}

const [index = '', folder = '', ...hosts] = process.argv.slice(2)
const server = new ParameterServer(serverOptions(jobConfig(hosts), Number(index), folder))
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
