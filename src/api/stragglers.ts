/** What happens with workers that are much slower than the others. */
import { z } from 'zod'
import { DEFAULT_STRAGGLING, Straggling } from '../contract/training.ts'

const DEFAULTS = { policy: 'Report', ...DEFAULT_STRAGGLING, maxReplacements: 3 } as const

const { slowerThan, forSeconds } = Straggling.shape

/** A preset may set fields of workers, so the defaults are not in the CRD. */
export const Stragglers = z.strictObject({
  policy: z
    .exactOptional(z.enum(['Report', 'Replace']))
    .describe(
      'Report: a slow worker gives the job the condition Straggling. Replace: its pod is also deleted, and its successor prefers another node. Report when absent.',
    ),
  slowerThan: z.exactOptional(slowerThan).describe(`${slowerThan.description} ${DEFAULTS.slowerThan} when absent.`),
  forSeconds: z.exactOptional(forSeconds).describe(`${forSeconds.description} ${DEFAULTS.forSeconds} when absent.`),
  maxReplacements: z
    .exactOptional(z.int().min(1).max(100))
    .describe(
      `Pods that may be replaced within 24 hours; each place only once. ${DEFAULTS.maxReplacements} when absent.`,
    ),
})

export function completeStragglers(given: z.output<typeof Stragglers> = {}) {
  return { ...DEFAULTS, ...given }
}
