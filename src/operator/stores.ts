/** The watched objects that the operator reads. */
import type { JobKind } from '../contract/names.ts'
import type { KubeObject } from '../kube/objects.ts'
import type { Store } from '../kube/store.ts'
import type { RawPod } from './raw-pod.ts'

export type RawJob = KubeObject & { spec?: unknown; status?: unknown }

export interface Stores {
  jobs: Readonly<Record<JobKind, Store<RawJob>>>
  /** With index `owner` by controller uid, and `job` by the key of the job on their labels. */
  pods: Store<RawPod>
  services: Store<KubeObject>
}
