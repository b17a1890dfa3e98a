/** Applies the files of one `downpour run`, as `kubectl apply` does, and reads the state of its jobs. */
import { join, resolve } from 'node:path'
import type { Job } from '../../api/job.ts'
import { ANNOTATIONS } from '../../contract/names.ts'
import { KubeClient } from '../../kube/client.ts'
import { checkpointPath } from '../../plan/runtime-config.ts'
import { createLog } from '../../support/log.ts'
import { isUnfinished, jobText } from '../job-text.ts'
import type { Manifest } from '../manifests.ts'
import type { ProgressView } from '../progress.ts'
import { byCreation, listJobs } from '../stored-jobs.ts'
import { TURN, waitingOf } from '../waiting.ts'
import { completionOf } from './completion.ts'
import { classifyPreviousJobs, suspendAndResumeJobs } from './previous-jobs.ts'
import { withoutPreviousStatus } from './previous-status.ts'
import { applyManifest, dryRun } from './server-side-apply.ts'
import { Turns } from './turns.ts'

export interface RunState {
  /** Jobs of the run in order of creation; of a deleted one, the last known state. */
  jobs: Job[]
  /** True when every job has ended and none of them will create another FinetuneJob. */
  isOver: boolean
  /** Sentences about deleted jobs, and about FinetuneJobs that the run does not wait for. */
  notes: string[]
}

export interface RunJobsOptions {
  kubeConfig: string
  stateDir: string
  /** How many jobs may train at the same time. */
  parallelJobs: number
  /** Aborts `apply` and `read`. `claimFolder` and `unfinishedFolders` work afterwards, too. */
  signal: AbortSignal
}

export class RunJobs {
  readonly #client: KubeClient
  readonly #stateDir: string
  readonly #signal: AbortSignal
  /** The last known state of the run's jobs, by uid. */
  readonly #seen = new Map<string, Job>()
  /** Uids of the jobs that this run applied or continues. A job owned by one of them belongs to the run, too. */
  readonly #uids = new Set<string>()
  /** Status of each job when this run began, by uid. */
  readonly #previousStatus = new Map<string, Job['status']>()
  readonly #turns: Turns

  constructor({ kubeConfig, stateDir, parallelJobs, signal }: RunJobsOptions) {
    this.#client = new KubeClient({ kubeConfig, log: createLog({ process: 'run' }, 'warn') })
    this.#stateDir = stateDir
    this.#signal = signal
    this.#turns = new Turns(this.#client, parallelJobs, { signal })
  }

  /**
   * Suspends the jobs of previous runs that these files do not name, then applies the manifests. A dry run first makes sure
   * that the API server accepts all of them. Call it before the operator starts, or the operator would start pods of jobs
   * that are about to be suspended.
   * @throws DownpourError APPLY_REFUSED
   */
  async apply(manifests: readonly Manifest[], view: Pick<ProgressView, 'print'>): Promise<void> {
    const waiting = { signal: this.#signal }
    await dryRun(this.#client, manifests, waiting)
    const stored = await listJobs(this.#client, waiting)
    for (const { metadata, status } of stored) this.#previousStatus.set(metadata.uid, status)
    const previous = classifyPreviousJobs(stored, manifests)
    for (const { metadata } of previous.continued) this.#uids.add(metadata.uid)
    for (const line of await suspendAndResumeJobs(this.#client, previous, waiting)) view.print(line)
    for (const manifest of manifests) {
      const { stored: applied, outcome } = await applyManifest(this.#client, manifest, waiting)
      if (applied.metadata.uid) this.#uids.add(applied.metadata.uid)
      const { kind, metadata } = manifest.object
      view.print(`${kind}/${metadata.name} ${outcome}${endedBefore(applied.status?.phase)}`)
    }
    const ofRun = (await listJobs(this.#client, waiting)).filter((job) => this.#isOfRun(job))
    for (const line of await this.#turns.begin(ofRun, manifests)) view.print(line)
  }

  /** The state of the run's jobs, after a turn has been given to those that can start now. */
  async read(): Promise<RunState> {
    const all = await listJobs(this.#client, { signal: this.#signal })
    await this.#turns.advance(all.filter((job) => this.#isOfRun(job)))
    const present = all
      .filter((job) => this.#isOfRun(job))
      .map((job) => withoutPreviousStatus(job, this.#previousStatus.get(job.metadata.uid)))
    for (const job of present) this.#seen.set(job.metadata.uid, job)
    const uids = new Set(present.map(({ metadata }) => metadata.uid))
    const deleted = [...this.#seen.values()].filter(({ metadata }) => !uids.has(metadata.uid))
    const others = all.filter((job) => !this.#isOfRun(job))
    const { isOver, notes } = completionOf(present, others)
    const deletions = deleted.map((job) => `${jobText(job)} was deleted, or its ttlSecondsAfterFinished expired`)
    return { jobs: [...present, ...deleted].sort(byCreation), isOver, notes: [...deletions, ...notes] }
  }

  /** @returns the folder of this machine that a claim stands for */
  async claimFolder(namespace: string, name: string): Promise<string> {
    const claim = await this.#client.get({ apiVersion: 'v1', plural: 'persistentvolumeclaims', namespace, name })
    const annotated = claim.metadata.annotations?.[ANNOTATIONS.localPath]
    return resolve(annotated ?? `${this.#stateDir}/volumes/${namespace}/${name}`)
  }

  /** @returns the checkpoint folder of each unfinished job of the run that had its turn, by KIND/NAME */
  async unfinishedFolders(): Promise<Map<string, string>> {
    const folders = new Map<string, string>()
    const hadTurn = (job: Job) => waitingOf(job)?.key !== TURN
    for (const job of [...this.#seen.values()].filter(isUnfinished).filter(hadTurn)) {
      const { claimName } = job.spec.checkpoint.storage.volume
      const claim = await this.claimFolder(job.metadata.namespace, claimName).catch(() => undefined)
      if (claim !== undefined) folders.set(jobText(job), join(claim, checkpointPath(job)))
    }
    return folders
  }

  close(): Promise<void> {
    return this.#client.close()
  }

  #isOfRun({ metadata }: Job): boolean {
    const owners = (metadata.ownerReferences ?? []).map(({ uid }) => uid)
    return [metadata.uid, ...owners].some((uid) => this.#uids.has(uid))
  }
}

/** Explains why a job that ended in a previous run shows its results at once. */
function endedBefore(phase: string | undefined): string {
  return phase === 'Succeeded' || phase === 'Failed' ? ` (${phase} in a previous run; --fresh starts over)` : ''
}
