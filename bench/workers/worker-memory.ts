// `node bench/workers/worker-memory.ts`: prints the resident bytes of a worker's process that has loaded its backend, and no model.
import { cacheRoot } from '../../src/support/cache-root.mjs'
import { silentLog } from '../../src/support/log.ts'
import { selectBackend } from '../../src/tensor/backend.ts'
import '../../src/worker/main.ts'

await selectBackend('auto', silentLog, cacheRoot(process.env))
console.log(process.memoryUsage.rss())
