/** The observed and the expected objects of each job in one form, so that a test can compare them. */
import type { JobStatus } from '../../src/api/status.ts'
import { API_VERSION, PLURALS, podName } from '../../src/contract/names.ts'
import { controllerUid, type KubeObject } from '../../src/kube/objects.ts'
import type { TestNamespace } from './fixture.ts'

/** The wanted state of a job with one parameter server. */
export interface DesiredJob {
  workers: number
  suspend: boolean
}

interface JobState {
  phase: string | undefined
  ready: number | undefined
  /** Name and phase of each pod, sorted. */
  pods: string[]
  services: number
}

type RawJob = KubeObject & { spec: { suspend?: boolean }; status?: JobStatus }
type RawPod = KubeObject & { status?: { phase?: string } }

export function expectedState(name: string, { workers, suspend }: DesiredJob): JobState {
  if (suspend) return { phase: 'Suspended', ready: 0, pods: [], services: 0 }
  const indices = Array.from({ length: workers }, (_, index) => index)
  const names = [
    podName('PretrainJob', name, 'ps', 0),
    ...indices.map((i) => podName('PretrainJob', name, 'worker', i)),
  ]
  return { phase: 'Running', ready: workers, pods: names.map((pod) => `${pod} Running`).sort(), services: 1 }
}

/** @returns the state of every job by name, and pods without a job under `orphans` if there are any */
export async function observedStates(namespace: TestNamespace): Promise<Record<string, JobState | string[]>> {
  const list = async <T extends KubeObject>(apiVersion: string, plural: string) =>
    (await namespace.client.list<T>({ apiVersion, plural, namespace: namespace.name })).items
  const jobs = await list<RawJob>(API_VERSION, PLURALS.PretrainJob)
  const pods = await list<RawPod>('v1', 'pods')
  const services = await list('v1', 'services')
  const states = jobs.map((job): [string, JobState] => [job.metadata.name, stateOf(job, pods, services)])
  const uids = new Set(jobs.map(({ metadata }) => metadata.uid))
  const orphans = pods.filter((pod) => !uids.has(controllerUid(pod))).map(describePod)
  return { ...Object.fromEntries(states), ...(orphans.length > 0 && { orphans }) }
}

function stateOf(
  { metadata, spec, status }: RawJob,
  pods: readonly RawPod[],
  services: readonly KubeObject[],
): JobState {
  const isOwned = (object: KubeObject) => controllerUid(object) === metadata.uid
  return {
    phase: status?.phase,
    ready: status?.workersReady,
    pods: pods.filter(isOwned).map(describePod).sort(),
    // A suspended job may or may not have a service.
    services: spec.suspend ? 0 : services.filter(isOwned).length,
  }
}

function describePod({ metadata, status }: RawPod): string {
  return `${metadata.name} ${metadata.deletionTimestamp ? 'ending' : status?.phase}`
}
