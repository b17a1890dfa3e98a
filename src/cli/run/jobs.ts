/** The jobs of one `downpour run`: applied like kubectl would, read back until they have ended. */
import { join, resolve } from 'node:path'
import type { Job } from '../../api/job.ts'
import { parseJob } from '../../api/parse.ts'
import { ANNOTATIONS, API_VERSION, type JobKind, PLURALS } from '../../contract/names.ts'
import { KubeClient } from '../../kube/client.ts'
import type { KubeObject } from '../../kube/objects.ts'
import { checkpointPath } from '../../plan/runtime-config.ts'
import { createLog } from '../../support/log.ts'
import { isUnfinished, jobText } from '../job-text.ts'
import type { Manifest } from '../manifests.ts'
import type { ProgressView } from '../progress.ts'
import { lookAhead } from './completion.ts'
import { restFormerJobs, sortFormer } from './previous-jobs.ts'
import { withoutFormer } from './previous-status.ts'
import { applyManifest, rehearse } from './server-side-apply.ts'

export interface Reading {
  /** Those of the run, in order of creation; one that is gone as it was when last seen. */
  jobs: Job[]
  /** True when every job, and every FinetuneJob that one of them is to make, has ended or will not come. */
  isOver: boolean
  /** What a reader would wonder about, a sentence each. */
  notes: string[]
}

export interface Jobs {
  /**
   * Call it while no operator runs: jobs of former runs that are not of these files are suspended first. All is applied or
   * nothing. @throws DownpourError APPLY_REFUSED
   */
  apply(manifests: readonly Manifest[], view: Pick<ProgressView, 'say'>): Promise<void>
  read(): Promise<Reading>
  /** The folder of this machine that stands for a claim. */
  claimFolder(namespace: string, claimName: string): Promise<string>
  /** Where the unfinished jobs of the run save, by their names. */
  unfinishedFolders(): Promise<Map<string, string>>
  close(): Promise<void>
}

/** @param signal ends what `apply` and `read` wait for; the folders can be asked for afterwards */
export async function connectJobs(kubeConfig: string, stateDir: string, signal: AbortSignal): Promise<Jobs> {
  const client = new KubeClient({ kubeConfig, log: createLog({ process: 'run' }, 'warn') })
  /** By uid: what this run applied or goes on with; jobs owned by one of them belong to the run as well. */
  const seen = new Map<string, Job>()
  const uids = new Set<string>()
  /** By uid: what a former run wrote down. */
  const formerStatus = new Map<string, Job['status']>()
  const belongs = (job: Job) => [job.metadata.uid, ...madeBy(job)].some((uid) => uids.has(uid))
  // In this order: a FinetuneJob that its PretrainJob says it made is in the later list, or is gone.
  const listAll = async () => [
    ...(await listJobs(client, 'PretrainJob', signal)),
    ...(await listJobs(client, 'FinetuneJob', signal)),
  ]
  const claimFolder = async (namespace: string, name: string) => {
    const claim = await client.get({ apiVersion: 'v1', plural: 'persistentvolumeclaims', namespace, name })
    return resolve(claim.metadata.annotations?.[ANNOTATIONS.localPath] ?? `${stateDir}/volumes/${namespace}/${name}`)
  }
  return {
    claimFolder,
    async apply(manifests, view) {
      await rehearse(client, manifests, { signal })
      const stored = await listAll()
      for (const { metadata, status } of stored) formerStatus.set(metadata.uid, status)
      const former = sortFormer(stored, manifests)
      for (const { metadata } of former.ours) uids.add(metadata.uid)
      for (const line of await restFormerJobs(client, former, { signal })) view.say(line)
      for (const manifest of manifests) {
        const { stored: applied, outcome } = await applyManifest(client, manifest, { signal })
        if (applied.metadata.uid) uids.add(applied.metadata.uid)
        view.say(
          `${manifest.object.kind}/${manifest.object.metadata.name} ${outcome}${endedBefore(applied.status?.phase)}`,
        )
      }
    },
    async read() {
      const all = await listAll()
      const present = all.filter(belongs).map((job) => withoutFormer(job, formerStatus.get(job.metadata.uid)))
      for (const job of present) seen.set(job.metadata.uid, job)
      const gone = [...seen.values()].filter(
        ({ metadata }) => !present.some((job) => job.metadata.uid === metadata.uid),
      )
      const strangers = all.filter((job) => !belongs(job))
      const { isOver, notes } = lookAhead(present, strangers)
      const told = gone.map((job) => `${jobText(job)} is gone: deleted, or expired by its ttlSecondsAfterFinished`)
      return { jobs: [...present, ...gone].sort(byCreation), isOver, notes: [...told, ...notes] }
    },
    async unfinishedFolders() {
      const folders = new Map<string, string>()
      for (const job of [...seen.values()].filter(isUnfinished)) {
        const { claimName } = job.spec.checkpoint.storage.volume
        const claim = await claimFolder(job.metadata.namespace, claimName).catch(() => undefined)
        if (claim !== undefined) folders.set(jobText(job), join(claim, checkpointPath(job)))
      }
      return folders
    },
    close: () => client.close(),
  }
}

async function listJobs(client: KubeClient, kind: JobKind, signal: AbortSignal): Promise<Job[]> {
  const where = { apiVersion: API_VERSION, plural: PLURALS[kind] }
  const { items } = await client.list<KubeObject & { status?: unknown }>(where, { signal })
  return items.flatMap((raw) => {
    const job = readableJob(raw)
    return job ? [{ ...job, ...(raw.status ? { status: raw.status } : {}) } as Job] : []
  })
}

/** Of an earlier version, a job may be invalid by now: the operator ends it and says so in its conditions. */
function readableJob(raw: KubeObject): Job | undefined {
  try {
    return parseJob(raw)
  } catch {
    return undefined
  }
}

/** A run in a folder with former jobs shows their results at once: say why. */
function endedBefore(phase: string | undefined): string {
  return phase === 'Succeeded' || phase === 'Failed' ? ` (${phase} in a former run; --fresh starts over)` : ''
}

function madeBy(job: Job): string[] {
  return (job.metadata.ownerReferences ?? []).map((owner) => owner.uid)
}

function byCreation(a: Job, b: Job): number {
  return (
    a.metadata.creationTimestamp.localeCompare(b.metadata.creationTimestamp) ||
    a.metadata.name.localeCompare(b.metadata.name)
  )
}
