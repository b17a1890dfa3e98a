import type { Log } from '../../support/log.ts'
import { type PassedOver, passedOverText } from './kinds.ts'

/** Logs one line: a warning if it may be data that the user expects to be read. */
export function logPassedOver(passedOver: readonly PassedOver[], log: Log): void {
  if (passedOver.length === 0) return
  const facts = { passedOver: passedOver.map(passedOverText) }
  if (passedOver.some(({ matters }) => matters)) log.warn(facts, 'parts of the data folder are not read')
  else log.info(facts, 'other files in the data folder are not read')
}
