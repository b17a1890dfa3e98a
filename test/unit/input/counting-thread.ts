/** Runs the loader's thread and counts how often it lists a folder or opens a file. */
import promises from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'
import { basename } from 'node:path'
import { BroadcastChannel } from 'node:worker_threads'

const counts = new BroadcastChannel('opened')
for (const call of ['readdir', 'open'] as const) {
  const original = promises[call] as (path: string, ...rest: unknown[]) => Promise<unknown>
  Object.assign(promises, {
    [call]: (path: string, ...rest: unknown[]) => {
      counts.postMessage(`${call} ${basename(path)}`)
      return original(path, ...rest)
    },
  })
}
syncBuiltinESMExports()
// Imported last, because the modules of the loader bind the file functions when they are loaded.
await import('../../../src/worker/loader-thread.ts')
