import type { Random } from '../support/random.ts'
import type { DrawnSeconds } from './scenario.ts'

/** Log-normal: never negative, and with a longer tail to the right, as times of steps have. */
export function drawSeconds({ mean, variation }: DrawnSeconds, random: Random): number {
  if (variation === 0) return mean
  const variance = Math.log(1 + variation ** 2)
  return mean * Math.exp(Math.sqrt(variance) * random.normal() - variance / 2)
}
