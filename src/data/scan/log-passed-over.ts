import type { Log } from '../../support/log.ts'
import { type PassedOver, passedOverText } from './kinds.ts'

/** One line, a warning where a person would want to know. */
export function logPassedOver(passedOver: readonly PassedOver[], log: Log): void {
  if (passedOver.length === 0) return
  const facts = { passedOver: passedOver.map(passedOverText) }
  if (passedOver.some(({ matters }) => matters)) log.warn(facts, 'parts of the data folder are not read')
  else log.info(facts, 'passed over in the data folder')
}
