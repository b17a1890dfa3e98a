/** Opens scripted processes, and finds those that are left. */
import { fileURLToPath } from 'node:url'
import type { Clock } from '../../../../src/support/clock.ts'
import { systemClock } from '../../../../src/support/clock.ts'
import { wholeLayout } from '../../../../src/wire/layout.ts'
import { openProcesses } from '../../../../src/worker/processes/open-processes.ts'
import { processesWith } from '../../../support/processes-with.ts'
import { type ProcessScript, VARIABLES } from './script.ts'

const PROGRAM = fileURLToPath(new URL('./scripted-process.ts', import.meta.url))
const MARK = 'DOWNPOUR_TEST_PROCESSES'

export interface OpenOptions {
  /** One for each process. */
  scripts: readonly Partial<ProcessScript>[]
  /** In the environment of the processes. */
  mark: string
  clock?: Clock
  signal?: AbortSignal
  onWaited?: (seconds: number) => void
}

export function openScripted({ scripts, mark, ...options }: OpenOptions) {
  const scriptOf = (number: number) =>
    JSON.stringify({ process: number, processes: scripts.length, gradient: 1, ...scripts[number] })
  return openProcesses({
    processes: scripts.length,
    launchOf: (number) => ({
      command: [process.execPath, PROGRAM, scriptOf(number)],
      environment: { [MARK]: mark },
    }),
    folder: '/dev/shm',
    whole: wholeLayout({ variables: VARIABLES }),
    onWaited: () => {},
    clock: systemClock,
    signal: new AbortController().signal,
    ...options,
  })
}

/** Ids of the processes that run. */
export function processesOf(mark: string): number[] {
  return processesWith(`${MARK}=${mark}`)
}
