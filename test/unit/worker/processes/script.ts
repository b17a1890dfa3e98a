/** What scripted-process.ts does, and the model that it and its tests share. */
import type { VariableSpec } from '../../../../src/support/variables.ts'
import { variable } from '../../ps/fixtures.ts'

/** More than one chunk for each of two processes, and no multiple of their number. */
export const VALUES = 2 ** 18 + 3

export const VARIABLES: readonly VariableSpec[] = [
  variable('w', VALUES),
  variable('mean', 1, { kind: 'statistic' }),
  variable('fixed', 2, { kind: 'frozen' }),
]

export interface ProcessScript {
  process: number
  processes: number
  gradient: number
  /** False: it fails before it has opened its data. */
  opens?: boolean
  /** Steps of the process whose gradients are not finite. */
  badSteps?: readonly number[]
  /** Of the error. */
  code?: string
  failsAt?: number
  killedAt?: number
  hangsAt?: number
}
