/** One parameter server in a process of its own, without checkpoints. Arguments: folder of the job, compression. */

import { availableParallelism } from 'node:os'
import { Compression } from '../../src/contract/training.ts'
import { ParameterServer } from '../../src/ps/parameter-server.ts'
import { serverOptions } from '../../test/support/server-options.ts'
import { config } from './model.ts'

const [folder = '', compression = 'none'] = process.argv.slice(2)
const async = { ...config.async, compression: Compression.parse(compression) }
const options = serverOptions({ ...config, async }, 0, folder)
const server = new ParameterServer({ ...options, threads: availableParallelism() })
process.send?.({ port: await server.start('127.0.0.1', 0) })
process.on('message', () => {
  const { user, system } = process.cpuUsage()
  process.send?.({ cpuMs: (user + system) / 1000, rssBytes: process.memoryUsage.rss() })
})
process.on('disconnect', () => process.exit())
