/** The contenders, which each create 51 pods: Downpour, two alternatives for users, and two scripts that only POST pods. */
import { parseJob } from '../../src/api/parse.ts'
import type { KubeClient } from '../../src/kube/client.ts'
import type { KubeObject } from '../../src/kube/objects.ts'
import { planJob } from '../../src/plan/job-plan.ts'
import { NAMESPACE } from './measure.ts'

export const WORKERS = 50
export const PODS = WORKERS + 1

export interface Contender {
  name: string
  selector(run: number): string
  begin(client: KubeClient, run: number): Promise<void>
  /** Deletes the job; the caller deletes its pods. */
  end(client: KubeClient, run: number): Promise<void>
}

const RESOURCES = { limits: { 'nvidia.com/gpu': 1 } }
const container = (name: string) => ({ name, image: 'registry.invalid/pause', resources: RESOURCES })

/** A contender that creates one object, whose controller creates the pods. */
function jobOf(
  name: string,
  type: { apiVersion: string; kind: string; plural: string },
  selector: (job: string) => string,
  spec: object,
): Contender {
  const nameOf = (run: number) => `${name}-${run}`
  const where = { apiVersion: type.apiVersion, plural: type.plural, namespace: NAMESPACE }
  return {
    name,
    selector: (run) => selector(nameOf(run)),
    async begin(client, run) {
      const metadata = { name: nameOf(run), namespace: NAMESPACE }
      await client.create(where, { apiVersion: type.apiVersion, kind: type.kind, metadata, spec } as KubeObject)
    },
    async end(client, run) {
      await client.delete({ ...where, name: nameOf(run) }, { propagationPolicy: 'Background' })
    },
  }
}

const SPEC = {
  preset: 'jft-resnet101',
  parameterServer: { replicas: 1 },
  workers: { replicas: WORKERS, template: { resources: RESOURCES } },
  data: { source: { claimName: 'data' }, format: 'tfrecord', labels: 'labels.json' },
  checkpoint: { storage: { volume: { claimName: 'checkpoints' } } },
}

export const downpour = jobOf(
  'downpour',
  { apiVersion: 'downpour.dev/v1alpha1', kind: 'PretrainJob', plural: 'pretrainjobs' },
  (job) => `downpour.dev/job-name=${job}`,
  SPEC,
)

export const indexedJob = jobOf(
  'indexed-job',
  { apiVersion: 'batch/v1', kind: 'Job', plural: 'jobs' },
  (job) => `batch.kubernetes.io/job-name=${job}`,
  {
    completions: PODS,
    parallelism: PODS,
    completionMode: 'Indexed',
    template: { spec: { restartPolicy: 'Never', containers: [container('worker')] } },
  },
)

const replica = (replicas: number) => ({
  replicas,
  restartPolicy: 'Never',
  template: { spec: { containers: [container('tensorflow')] } },
})

export const trainingOperator = jobOf(
  'training-operator',
  { apiVersion: 'kubeflow.org/v1', kind: 'TFJob', plural: 'tfjobs' },
  (job) => `training.kubeflow.org/job-name=${job}`,
  { tfReplicaSpecs: { PS: replica(1), Worker: replica(WORKERS) } },
)

/** A contender that POSTs all pods at once. */
function postsOf(name: string, podsOf: (run: number) => KubeObject[]): Contender {
  return {
    name,
    selector: (run) => `bench=${name}-${run}`,
    async begin(client, run) {
      const where = { apiVersion: 'v1', plural: 'pods', namespace: NAMESPACE }
      await Promise.all(podsOf(run).map((pod) => client.create(where, pod)))
    },
    async end() {},
  }
}

/** A lower bound: pods as small as those of the alternatives. */
export const posts = postsOf('posts', (run) =>
  Array.from({ length: PODS }, (_, index) => ({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: `posts-${run}-${index}`, namespace: NAMESPACE, labels: { bench: `posts-${run}` } },
    spec: { restartPolicy: 'Never', containers: [container('worker')] },
  })),
)

/** A lower bound for Downpour: its own pods, with claims, probes and the job's numbers in their environment. */
export const samePods = postsOf('posts-same-pods', (run) => {
  const name = `same-${run}`
  const metadata = { name, namespace: NAMESPACE, uid: `same-${run}` }
  const job = parseJob({ apiVersion: 'downpour.dev/v1alpha1', kind: 'PretrainJob', metadata, spec: SPEC })
  const plan = planJob(job, { defaultImage: 'registry.invalid/pause' })
  const incarnation = { attempt: 0, generation: 0 }
  const pods = [
    plan.pod('ps', 0, incarnation),
    ...Array.from({ length: WORKERS }, (_, i) => plan.pod('worker', i, incarnation)),
  ]
  return pods.map(({ metadata: { ownerReferences: _, labels, ...rest }, ...pod }) => ({
    ...pod,
    metadata: { ...rest, labels: { ...labels, bench: `posts-same-pods-${run}` } },
  })) as KubeObject[]
})
