/** Labels and annotations that a job passes on to its pods and its transfers' FinetuneJobs. */
import { z } from 'zod'
import { LAST_APPLIED } from '../contract/names.ts'
import { pickKeys } from '../support/fields.ts'
import { type Check, checked } from './checks.ts'
import { setOf } from './lists.ts'
import { ANNOTATION_KEY, LABEL_KEY, NOT_OF_KUBERNETES, NOT_OURS } from './pod-labels.ts'

const MAX_KEYS = 32
/** On another object, kubectl's copy would confuse later applies. */
const NOT_OF_TOOLS: Check<string[]> = {
  message: `must not hold ${LAST_APPLIED}`,
  holds: (keys) => !keys.includes(LAST_APPLIED),
  cel: `!('${LAST_APPLIED}' in self)`,
}

const keyLike = (pattern: RegExp) =>
  z.string().max(253).regex(pattern, 'a key such as team or example.com/team, as in metadata')

export const Propagate = z.strictObject({
  labels: checked(setOf(keyLike(LABEL_KEY), MAX_KEYS), NOT_OURS)
    .optional()
    .describe('Keys of labels of the job.'),
  annotations: checked(setOf(keyLike(ANNOTATION_KEY), MAX_KEYS), NOT_OURS, NOT_OF_TOOLS, NOT_OF_KUBERNETES)
    .optional()
    .describe('Keys of annotations of the job.'),
})
export type Propagate = z.output<typeof Propagate>

type Texts = Record<string, string>

interface Named {
  metadata: { labels?: Texts | null; annotations?: Texts | null }
  spec: { propagate?: Propagate | undefined }
}

/** The labels and annotations that the job has and lists. */
export function propagatedOf({ metadata, spec: { propagate = {} } }: Named): { labels: Texts; annotations: Texts } {
  return {
    labels: pickKeys(metadata.labels, propagate.labels),
    annotations: pickKeys(metadata.annotations, propagate.annotations),
  }
}
