/** The conditions of a job. A new condition is a row of this table, a policy that reports it, and a line in `decide`. */
import { z } from 'zod'

interface ConditionRules {
  /** True is a problem and gives a warning event; False only says that the problem is absent. */
  badWhenTrue: boolean
  /** Shown from the first status on. Other conditions appear when they first become True. */
  alwaysShown: boolean
  /**
   * What makes it False without a policy. `whenRemoved`: the job is to have no pods, because it is suspended or waits for
   * its source. `whenJobEnds`: the same, and the end of the job.
   */
  endsWithPods: 'whenRemoved' | 'whenJobEnds' | 'never'
}

/** In the order in which the status lists them. */
export const CONDITIONS = {
  Created: { badWhenTrue: false, alwaysShown: true, endsWithPods: 'whenRemoved' },
  Scheduled: { badWhenTrue: false, alwaysShown: true, endsWithPods: 'whenRemoved' },
  Running: { badWhenTrue: false, alwaysShown: true, endsWithPods: 'whenJobEnds' },
  Degraded: { badWhenTrue: true, alwaysShown: false, endsWithPods: 'whenJobEnds' },
  Straggling: { badWhenTrue: true, alwaysShown: false, endsWithPods: 'whenJobEnds' },
  Stalled: { badWhenTrue: true, alwaysShown: false, endsWithPods: 'whenJobEnds' },
  Suspended: { badWhenTrue: false, alwaysShown: false, endsWithPods: 'never' },
  Restarting: { badWhenTrue: true, alwaysShown: false, endsWithPods: 'whenJobEnds' },
  CheckpointDegraded: { badWhenTrue: true, alwaysShown: false, endsWithPods: 'never' },
  SourceResolved: { badWhenTrue: false, alwaysShown: true, endsWithPods: 'never' },
  Succeeded: { badWhenTrue: false, alwaysShown: false, endsWithPods: 'never' },
  Failed: { badWhenTrue: true, alwaysShown: false, endsWithPods: 'never' },
} as const satisfies Record<string, ConditionRules>
export type ConditionType = keyof typeof CONDITIONS
export const CONDITION_TYPES = Object.keys(CONDITIONS) as [ConditionType, ...ConditionType[]]

export const Condition = z.object({
  type: z.enum(CONDITION_TYPES).describe('The condition.'),
  status: z.enum(['True', 'False', 'Unknown']).describe('Whether the condition holds.'),
  reason: z.string().max(128).describe('The reason in one word, for programs.'),
  message: z.string().max(4096).describe('The reason, for people.'),
  lastTransitionTime: z.iso.datetime().describe('When status changed last.'),
  observedGeneration: z.int().describe('metadata.generation that the condition is about.'),
})
export type Condition = z.output<typeof Condition>
