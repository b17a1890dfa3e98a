/** One parameter server in a process of its own, without checkpoints. Argument: folder of the job. */

import { availableParallelism } from 'node:os'
import { ParameterServer } from '../../src/ps/parameter-server.ts'
import { serverOptions } from '../../test/support/server-options.ts'
import { config } from './model.ts'

const [folder = ''] = process.argv.slice(2)
const server = new ParameterServer({ ...serverOptions(config, 0, folder), threads: availableParallelism() })
process.send?.({ port: await server.start('127.0.0.1', 0) })
process.on('message', () => {
  const { user, system } = process.cpuUsage()
  process.send?.({ cpuMs: (user + system) / 1000, rssBytes: process.memoryUsage.rss() })
})
process.on('disconnect', () => process.exit())
