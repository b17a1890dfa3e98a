/** The process of a parameter server, a worker or an evaluator. */
import type { Log } from '../support/log.ts'
import { type Program, runProcess } from '../support/run-process.ts'
import { exitCodeOf } from './exit-codes.ts'
import type { Surroundings } from './parse-config.ts'
import { EXIT } from './runtime.ts'

export interface PodProgram extends Pick<Program, 'work' | 'status' | 'exit'> {
  surroundings: Surroundings
  log: Log
}

/**
 * Runs the program, then exits with the code and the termination message that the operator reads. In local mode the
 * process also ends when the run that started it does.
 */
export function runPodProcess({ surroundings, ...program }: PodProgram): Promise<void> {
  const { terminationLog, isLocal } = surroundings
  return runProcess({ ...program, exitCodeOf, codes: EXIT, terminationLog, endsWithRun: isLocal })
}
