/**
 * Lets only some jobs of a run train at the same time: in the order of the files, a job after the one that it starts from.
 * A job that waits for its turn is suspended by a field manager of its own, with an annotation that says so. Giving up
 * these fields resumes only jobs that were suspended here. They are stored, so a later run of the files continues with them.
 */
import { type Job, wantedSource } from '../../api/job.ts'
import { ANNOTATIONS, API_VERSION } from '../../contract/names.ts'
import type { KubeClient } from '../../kube/client.ts'
import type { Waiting } from '../../kube/client-options.ts'
import type { KubeObject } from '../../kube/objects.ts'
import { isUnfinished } from '../job-text.ts'
import type { Manifest } from '../manifests.ts'
import { jobRef, namespaceOf } from './server-side-apply.ts'

const FIELD_MANAGER = 'downpour-run-turns'

export class Turns {
  readonly #client: KubeClient
  readonly #limit: number
  readonly #waiting: Waiting
  #manifests: readonly Manifest[] = []

  /** @param limit how many jobs may train at the same time */
  constructor(client: KubeClient, limit: number, waiting: Waiting) {
    this.#client = client
    this.#limit = limit
    this.#waiting = waiting
  }

  /**
   * Suspends the jobs whose turn it is not. Call it before the operator starts: a job that trains is never suspended, so
   * one that the user resumes out of turn continues. Jobs that the user has suspended have no turn.
   * @param jobs of the run. @returns a line for the user, if any job waits
   */
  async begin(jobs: readonly Job[], manifests: readonly Manifest[]): Promise<string[]> {
    this.#manifests = manifests
    const queue = inOrder(jobs, manifests).filter((job) => isUnfinished(job) && (!job.spec.suspend || isWaiting(job)))
    const isQueued = ({ metadata }: Job) => queue.some((job) => job.metadata.uid === metadata.uid)
    const others = jobs.filter((job) => !isQueued(job))
    const first = new Set(nextInTurn(queue, others, this.#limit))
    const waiting = queue.filter((job) => !first.has(job))
    for (const job of waiting.filter((one) => !isWaiting(one))) await this.#suspend(job)
    for (const job of first) if (isWaiting(job)) await this.#resume(job)
    if (waiting.length === 0) return []
    const [who, their] = waiting.length === 1 ? ['1 job waits', 'its'] : [`${waiting.length} jobs wait`, 'their']
    return [`${who} for ${their} turn: ${this.#limitText()}`]
  }

  /** Resumes the jobs whose turn has come. @param jobs of the run, as they are now */
  async advance(jobs: readonly Job[]): Promise<void> {
    const queue = inOrder(jobs, this.#manifests).filter((job) => isUnfinished(job) && isWaiting(job))
    const others = jobs.filter((job) => !queue.includes(job))
    for (const job of nextInTurn(queue, others, this.#limit)) await this.#resume(job)
  }

  #limitText(): string {
    return `at most ${this.#limit} ${this.#limit === 1 ? 'job trains' : 'jobs train'} at a time (--parallel-jobs)`
  }

  #suspend(job: Job): Promise<unknown> {
    const annotations = { [ANNOTATIONS.localTurn]: `waits for its turn: ${this.#limitText()}` }
    return this.#apply(job, { annotations }, { spec: { suspend: true } })
  }

  #resume(job: Job): Promise<unknown> {
    return this.#apply(job, {}, {})
  }

  #apply({ kind, metadata }: Job, own: { annotations?: Record<string, string> }, spec: object): Promise<unknown> {
    const object: KubeObject = { apiVersion: API_VERSION, kind, metadata: { name: metadata.name, ...own }, ...spec }
    return this.#client.apply(jobRef(kind, metadata), object, { ...this.#waiting, fieldManager: FIELD_MANAGER })
  }
}

/** Whether the job is suspended until its turn comes. */
function isWaiting({ metadata, spec }: Job): boolean {
  return spec.suspend && metadata.annotations?.[ANNOTATIONS.localTurn] !== undefined
}

/**
 * The jobs at the head of the queue that may train now. The order is kept: a job whose source still trains holds up those
 * behind it, so that two jobs that are compared run side by side.
 */
function nextInTurn(queue: readonly Job[], others: readonly Job[], limit: number): Job[] {
  const chosen: Job[] = []
  const room = limit - others.filter(mayTrain).length
  for (const job of queue) {
    if (chosen.length >= room || waitsForSource(job, [...others.filter(mayTrain), ...chosen])) break
    chosen.push(job)
  }
  return chosen
}

/** A job that waits for a source that does not train has no pods, and takes the turn of no other. */
function mayTrain(job: Job): boolean {
  const { metadata, spec, status } = job
  if (!isUnfinished(job) || spec.suspend) return false
  const { conditions = [], observedGeneration } = status ?? {}
  const isCurrent = observedGeneration === metadata.generation
  const waits = conditions.some(({ type, status: is }) => type === 'SourceResolved' && is === 'False')
  return !(isCurrent && waits)
}

/** Whether the job starts from a checkpoint that one of these jobs has yet to save. */
function waitsForSource(job: Job, training: readonly Job[]): boolean {
  const source = sourceIn(job, training)
  if (!source || job.status?.source) return false
  const from = wantedSource(job)
  return !(from?.type === 'job' && source.status?.checkpoints?.some(({ step }) => step === from.step))
}

function sourceIn(job: Job, jobs: readonly Job[]): Job | undefined {
  const from = wantedSource(job)
  if (from?.type !== 'job') return undefined
  const isSource = ({ kind, metadata }: Job) =>
    kind === 'PretrainJob' && metadata.name === from.pretrainJob && metadata.namespace === job.metadata.namespace
  return jobs.find(isSource)
}

/** The jobs of the files in their order, except that a job comes after the one that it starts from. */
function inOrder(jobs: readonly Job[], manifests: readonly Manifest[]): Job[] {
  const ordered = new Set<Job>()
  const add = (job: Job | undefined, users: readonly Job[]) => {
    if (!job || ordered.has(job) || users.includes(job)) return // jobs that start from each other wait for ever
    add(sourceIn(job, jobs), [...users, job])
    ordered.add(job)
  }
  for (const { object } of manifests) {
    const isNamed = ({ kind, metadata }: Job) =>
      kind === object.kind && metadata.name === object.metadata.name && metadata.namespace === namespaceOf(object)
    add(jobs.find(isNamed), [])
  }
  return [...ordered]
}
