import { createRandom, seedOf } from '../support/random.ts'
import type { LayoutEntry } from '../wire/layout.ts'

/**
 * Draws the first values of a variable from the job's seed and its name, so that they do not depend on the placement. A part
 * of a variable has those of its range.
 */
export function drawInitial(entry: LayoutEntry, jobSeed: number, values: Float32Array): void {
  switch (entry.init.type) {
    case 'zeros':
      values.fill(0)
      break
    case 'ones':
      values.fill(1)
      break
    case 'constant':
      values.fill(entry.init.value)
      break
    case 'normal': {
      const random = createRandom(seedOf(jobSeed, entry.name))
      for (let i = 0; i < entry.start; i++) random.normal()
      for (let i = 0; i < values.length; i++) values[i] = entry.init.stddev * random.normal()
    }
  }
}
