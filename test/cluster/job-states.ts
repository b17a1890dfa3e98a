/** What is there of each job, and what must be: the same shape, so that the two compare. */
import type { JobStatus } from '../../src/api/status.ts'
import { API_VERSION, PLURALS, podName } from '../../src/contract/names.ts'
import { controllerUid, type KubeObject } from '../../src/kube/objects.ts'
import type { TestNamespace } from './fixture.ts'

/** What people want of one job with one parameter server. */
export interface Wish {
  workers: number
  suspend: boolean
}

interface Sight {
  phase: string | undefined
  ready: number | undefined
  /** Name and phase of each, by name. */
  pods: string[]
  services: number
}

type RawJob = KubeObject & { spec: { suspend?: boolean }; status?: JobStatus }
type RawPod = KubeObject & { status?: { phase?: string } }

export function wantedSight(name: string, { workers, suspend }: Wish): Sight {
  if (suspend) return { phase: 'Suspended', ready: 0, pods: [], services: 0 }
  const indices = Array.from({ length: workers }, (_, index) => index)
  const names = [
    podName('PretrainJob', name, 'ps', 0),
    ...indices.map((i) => podName('PretrainJob', name, 'worker', i)),
  ]
  return { phase: 'Running', ready: workers, pods: names.map((pod) => `${pod} Running`).sort(), services: 1 }
}

/** Every job by name; pods that belong to none of them under `orphans`. */
export async function lookAround(namespace: TestNamespace): Promise<Record<string, Sight | string[]>> {
  const list = async <T extends KubeObject>(apiVersion: string, plural: string) =>
    (await namespace.client.list<T>({ apiVersion, plural, namespace: namespace.name })).items
  const jobs = await list<RawJob>(API_VERSION, PLURALS.PretrainJob)
  const pods = await list<RawPod>('v1', 'pods')
  const services = await list('v1', 'services')
  const sights = jobs.map((job): [string, Sight] => [job.metadata.name, sightOf(job, pods, services)])
  const uids = new Set(jobs.map(({ metadata }) => metadata.uid))
  const orphans = pods.filter((pod) => !uids.has(controllerUid(pod))).map(describePod)
  return { ...Object.fromEntries(sights), ...(orphans.length > 0 && { orphans }) }
}

function sightOf({ metadata, spec, status }: RawJob, pods: readonly RawPod[], services: readonly KubeObject[]): Sight {
  const isOwned = (object: KubeObject) => controllerUid(object) === metadata.uid
  return {
    phase: status?.phase,
    ready: status?.workersReady,
    pods: pods.filter(isOwned).map(describePod).sort(),
    // While it is suspended a job may have its service or not.
    services: spec.suspend ? 0 : services.filter(isOwned).length,
  }
}

function describePod({ metadata, status }: RawPod): string {
  return `${metadata.name} ${metadata.deletionTimestamp ? 'ending' : status?.phase}`
}
