/** The jobs of one `downpour run`: applied like kubectl would, read back until they have ended. */
import { resolve } from 'node:path'
import type { Job } from '../api/job.ts'
import { issueText, labelOf, parseJob, validateJob } from '../api/parse.ts'
import { transferPlans } from '../api/transfers.ts'
import { ANNOTATIONS, API_VERSION, JOB_KINDS, type JobKind, PLURALS } from '../contract/names.ts'
import { KubeClient } from '../kube/client.ts'
import type { KubeObject, Ref } from '../kube/objects.ts'
import { DownpourError } from '../support/errors.ts'
import { createLog } from '../support/log.ts'
import type { Manifest } from './manifests.ts'
import type { ProgressView } from './progress.ts'

const DEFAULT_NAMESPACE = 'default'
const PLURAL_OF: Readonly<Record<string, string>> = { ...PLURALS, PersistentVolumeClaim: 'persistentvolumeclaims' }

export interface Jobs {
  apply(manifests: readonly Manifest[], view: ProgressView): Promise<void>
  /** The jobs applied and those they made, in order of creation. */
  read(): Promise<Job[]>
  /** True when every job, and every FinetuneJob that one of them is to make, has ended. */
  allEnded(jobs: readonly Job[]): boolean
  /** The folder of this machine that stands for a claim. */
  claimFolder(namespace: string, claimName: string): Promise<string>
}

export async function connectJobs(kubeConfig: string, stateDir: string, signal: AbortSignal): Promise<Jobs> {
  const client = new KubeClient({ kubeConfig, log: createLog({ process: 'run' }, 'warn'), signal })
  /** Uids of what this run applied; jobs owned by one of them belong to the run as well. */
  const uids = new Set<string>()
  const belongs = (job: Job) => [job.metadata.uid, ...madeBy(job)].some((uid) => uids.has(uid))
  return {
    async apply(manifests, view) {
      for (const { object } of manifests) {
        const { stored, outcome } = await applyObject(client, object)
        if (stored.metadata.uid) uids.add(stored.metadata.uid)
        view.say(`${object.kind}/${object.metadata.name} ${outcome}${endedBefore(stored)}`)
      }
    },
    async read() {
      const lists = await Promise.all(JOB_KINDS.map((kind) => listJobs(client, kind)))
      return lists.flat().filter(belongs).sort(byCreation)
    },
    allEnded: (jobs) =>
      jobs.every(hasEnded) &&
      jobs.flatMap(expectedTransfers).every((name) => jobs.some((job) => isFinetune(job, name))),
    async claimFolder(namespace, name) {
      const claim = await client.get({ apiVersion: 'v1', plural: 'persistentvolumeclaims', namespace, name })
      return resolve(claim.metadata.annotations?.[ANNOTATIONS.localPath] ?? `${stateDir}/volumes/${namespace}/${name}`)
    },
  }
}

function hasEnded(job: Job): boolean {
  return job.status?.phase === 'Succeeded' || job.status?.phase === 'Failed'
}

/** FinetuneJobs that a job which succeeded makes: until they are there, the run goes on. */
function expectedTransfers(job: Job): string[] {
  if (job.kind !== 'PretrainJob' || job.status?.phase !== 'Succeeded') return []
  return transferPlans(job).map((transfer) => transfer.name)
}

function isFinetune(job: Job, name: string): boolean {
  return job.kind === 'FinetuneJob' && job.metadata.name === name
}

async function listJobs(client: KubeClient, kind: JobKind): Promise<Job[]> {
  const { items } = await client.list<KubeObject & { status?: unknown }>({
    apiVersion: API_VERSION,
    plural: PLURALS[kind],
  })
  return items.map((raw) => ({ ...parseJob(raw), ...(raw.status ? { status: raw.status } : {}) }) as Job)
}

/** A run in a folder with former jobs shows their results at once: say why. */
function endedBefore({ status }: KubeObject & { status?: { phase?: string } }): string {
  const { phase } = status ?? {}
  return phase === 'Succeeded' || phase === 'Failed' ? ` (${phase} in a former run; --fresh starts over)` : ''
}

/** Creates the object, or merges the spec into the one of that name; a second run so goes on with the jobs of the first. */
async function applyObject(
  client: KubeClient,
  object: Manifest['object'],
): Promise<{ stored: KubeObject; outcome: 'created' | 'configured' | 'unchanged' }> {
  const ref: Ref = {
    apiVersion: object.apiVersion,
    plural: PLURAL_OF[object.kind] as string,
    namespace: object.metadata.namespace ?? DEFAULT_NAMESPACE,
    name: object.metadata.name,
  }
  const existing = await client.find(ref)
  if (!existing) return { stored: await client.create(ref, object as KubeObject), outcome: 'created' }
  const { metadata, ...rest } = object
  const { labels, annotations } = metadata as KubeObject['metadata']
  const stored = await client.mergePatch(ref, {
    ...rest,
    metadata: { ...(labels && { labels }), ...(annotations && { annotations }) },
  })
  const isSame = stored.metadata.resourceVersion === existing.metadata.resourceVersion
  return { stored, outcome: isSame ? 'unchanged' : 'configured' }
}

/**
 * Everything that can be known to be wrong before anything is started.
 * @throws DownpourError KIND_UNKNOWN, NO_JOB, INVALID_JOB with a line for each finding
 */
export function checkManifests(manifests: readonly Manifest[]): void {
  const strange = manifests.find(({ object }) => !(object.kind in PLURAL_OF))
  if (strange) {
    const message = `${strange.file}: kind: ${strange.object.kind}: local mode takes ${Object.keys(PLURAL_OF).join(', ')}`
    throw new DownpourError('KIND_UNKNOWN', message)
  }
  const jobs = manifests.filter(({ object }) => object.kind in PLURALS)
  if (jobs.length === 0) {
    const files = [...new Set(manifests.map((m) => m.file))].join(', ')
    throw new DownpourError('NO_JOB', `no PretrainJob or FinetuneJob in ${files}`)
  }
  const findings = jobs.flatMap(({ file, object }) =>
    validateJob(object).map((issue) => `${file}: ${labelOf(object)}: ${issueText(issue)}`),
  )
  if (findings.length > 0) throw new DownpourError('INVALID_JOB', findings.join('\n'))
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
