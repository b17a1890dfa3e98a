/** Opens processes that compute for a worker as `downpour worker` does, and finds those that run. */
import { resolve } from 'node:path'
import { ARGS, ENV, FOLDER_ENV, type RuntimeConfig, SHARED_MEMORY } from '../../../src/contract/runtime.ts'
import { createTask } from '../../../src/tasks/registry.ts'
import { wholeLayout } from '../../../src/wire/layout.ts'
import { openProcesses } from '../../../src/worker/processes/open-processes.ts'
import { processesWith } from '../../support/processes-with.ts'

const BIN = resolve('bin/downpour')

export interface RealProcesses {
  config: RuntimeConfig
  dataDir: string
  /** Distinguishes them from the processes of other tests. */
  podUid: string
}

export async function openReal({ config, dataDir, podUid }: RealProcesses) {
  const environment = {
    [ENV.config]: JSON.stringify(config),
    [ENV.podUid]: podUid,
    [ENV.logLevel]: 'error',
    [FOLDER_ENV.data]: dataDir,
  }
  const argsOf = (number: number) => [ARGS.index, '0', ARGS.attempt, '0', ARGS.process, String(number)]
  return openProcesses({
    processes: config.perPod ?? 1,
    launchOf: (number) => ({
      command: [process.execPath, BIN, 'worker', ...argsOf(number)],
      environment: { ...process.env, ...environment },
    }),
    folder: SHARED_MEMORY,
    whole: wholeLayout(await createTask(config)),
    onWaited: () => {},
    signal: new AbortController().signal,
  })
}

/** Ids of the processes that run. */
export function processesOf(podUid: string): number[] {
  return processesWith(`${ENV.podUid}=${podUid}`)
}
