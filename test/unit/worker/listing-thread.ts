/** Runs the loader's thread and reports the modules that it loads. */
import { registerHooks } from 'node:module'
import { BroadcastChannel } from 'node:worker_threads'

const loaded = new BroadcastChannel('loaded modules')
registerHooks({
  load(url, context, next) {
    loaded.postMessage(url)
    return next(url, context)
  },
})
await import('../../../src/worker/loader-thread.ts')
