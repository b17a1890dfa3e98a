/** Why a job does not train or is degraded: the message of its most relevant condition, with advice where there is any. */
import type { Condition, ConditionType } from '../api/conditions.ts'
import type { Job } from '../api/job.ts'
import { ANNOTATIONS } from '../contract/names.ts'

/** Reasons that every job has for a while when it starts: the phase shows the same, so they are not reported. */
const TRANSIENT = new Set(['Creating', 'Scheduling', 'Starting', 'WaitingForSource', 'Suspending'])
/** The conditions to report, most important first: a cause before its consequences. */
const REPORTED: readonly { type: ConditionType; bad: Condition['status'] }[] = [
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
  { type: 'Straggling', bad: 'True' },
]

/** The key of a job that waits for its turn in a local run. */
export const TURN = 'Suspended/Turn'

export interface Waiting {
  /** Condition and reason. Stays equal when only numbers in the text change. */
  key: string
  /** One line without control characters, which a message may have from the output of a process. */
  text: string
}

/** @returns undefined for a job that starts, trains or has succeeded */
export function waitingOf(job: Job): Waiting | undefined {
  const { conditions = [], phase } = job.status ?? {}
  if (phase === 'Succeeded') return undefined
  const turn = turnText(job)
  if (turn) return { key: TURN, text: turn }
  const cause = REPORTED.flatMap(({ type, bad }) =>
    conditions.filter((one) => one.type === type && one.status === bad && !TRANSIENT.has(one.reason)),
  )[0]
  if (!cause?.message) return undefined
  const { type, reason, message } = cause
  const text = [type === 'Failed' ? `${reason}: ${message}` : message, adviceFor(message, job)]
  return {
    key: `${type}/${reason}`,
    text: text
      .filter(Boolean)
      .join('; ')
      .replace(/\p{Cc}+/gu, ' '),
  }
}

/** Of a job that `downpour run` starts when others have ended; undefined of any other. */
function turnText({ metadata, spec, status }: Job): string | undefined {
  return spec.suspend && status?.phase !== 'Failed' ? metadata.annotations?.[ANNOTATIONS.localTurn] : undefined
}

/** Advice for local mode, where a missing claim has to be added to the job's file. */
function adviceFor(message: string, { metadata }: Job): string | undefined {
  const found = [...message.matchAll(/persistentvolumeclaim ("[^"]*") not found/g)].map((match) => match[1])
  const [first, ...more] = new Set(found)
  if (first === undefined) return undefined
  const [claims, each] =
    more.length === 0
      ? [`PersistentVolumeClaim ${first}`, '']
      : [`PersistentVolumeClaims ${[first, ...more].join(', ')}`, 'each ']
  return `add ${claims} in namespace ${metadata.namespace} to the file, ${each}with the path of a folder in annotation ${ANNOTATIONS.localPath}`
}
