/** Why a job does not train, or trains badly, in the words of its conditions and with what a person can do. */

import type { Condition, ConditionType } from '../api/conditions.ts'
import type { Job } from '../api/job.ts'
import { ANNOTATIONS } from '../contract/names.ts'

/** What every job passes through: the phase says as much. */
const PASSING = new Set(['Creating', 'Scheduling', 'Starting', 'WaitingForSource', 'Suspending'])
/** Causes before their consequences. What is `bad` when False is told only where it has a reason of its own. */
const TELLING: readonly { type: ConditionType; bad: Condition['status'] }[] = [
  { type: 'Failed', bad: 'True' },
  { type: 'Suspended', bad: 'True' },
  { type: 'SourceResolved', bad: 'False' },
  { type: 'Created', bad: 'False' },
  { type: 'Scheduled', bad: 'False' },
  { type: 'Running', bad: 'False' },
  { type: 'Restarting', bad: 'True' },
  { type: 'Stalled', bad: 'True' },
  { type: 'CheckpointDegraded', bad: 'True' },
  { type: 'Degraded', bad: 'True' },
]

export interface Waiting {
  /** Equal while the cause is the same, though numbers in its text move. */
  key: string
  /** One line, without control characters: messages may hold the last words of a process. */
  text: string
}

/** @returns undefined for a job that comes up, trains or has ended as it should */
export function waitingOf(job: Job): Waiting | undefined {
  const { conditions = [], phase } = job.status ?? {}
  if (phase === 'Succeeded') return undefined
  const told = TELLING.flatMap(({ type, bad }) =>
    conditions.filter((one) => one.type === type && one.status === bad && !PASSING.has(one.reason)),
  )[0]
  if (!told?.message) return undefined
  const words = told.type === 'Failed' ? `${told.reason}: ${told.message}` : told.message
  const text = [words, adviceFor(told.message, job)].filter(Boolean).join('; ')
  return { key: `${told.type}/${told.reason}`, text: text.replace(/\p{Cc}+/gu, ' ') }
}

/** Every claim is an object: a folder of this machine, or one that the run makes. */
function adviceFor(message: string, { metadata }: Job): string | undefined {
  const found = [...message.matchAll(/persistentvolumeclaim ("[^"]*") not found/g)].map((match) => match[1])
  const [first, ...more] = new Set(found)
  if (first === undefined) return undefined
  const what =
    more.length === 0 ? `a PersistentVolumeClaim ${first}` : `PersistentVolumeClaims ${[first, ...more].join(', ')}`
  const [its, folder] = more.length === 0 ? ['its', 'your folder'] : ['the', 'a folder of yours']
  return `add ${what} of namespace ${metadata.namespace} to the file; ${its} annotation ${ANNOTATIONS.localPath} names ${folder}`
}
