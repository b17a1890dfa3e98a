/** Executes one action as requests to the API server or to a pod. */
import { isDeepStrictEqual } from 'node:util'
import type { Job } from '../api/job.ts'
import { ANNOTATIONS, API_VERSION, PLURALS } from '../contract/names.ts'
import type { KubeClient } from '../kube/client.ts'
import { type CreateResult, createOrAdopt } from '../kube/create-or-adopt.ts'
import { isConflict, isNotFound } from '../kube/errors.ts'
import type { KubeObject, Ref } from '../kube/objects.ts'
import { avoidNodes } from '../plan/avoid-nodes.ts'
import { KUEUE_FINALIZER } from '../plan/kueue.ts'
import { assertNever } from '../support/errors.ts'
import type { Action, PodOrder } from './actions.ts'
import { copyPod, type WholePod } from './copy-pod.ts'
import { completePlan, type Planned } from './planned.ts'
import { END_NOW_SECONDS } from './raw-pod.ts'
import type { ReportReader } from './runtime-status.ts'

export interface ActionContext {
  /** Called with the name of each pod that was created. */
  onPodCreated: (name: string) => void
  client: KubeClient
  job: Pick<Job, 'kind' | 'metadata'>
  planned: Planned
  reports: Pick<ReportReader, 'pin'>
  signal: AbortSignal
}

/** Sends one request, or two for a replacement. Repeating it does no harm. */
export async function executeAction(action: Action, context: ActionContext): Promise<void> {
  const { client, job, planned, signal } = context
  switch (action.type) {
    case 'createService':
      await create(context, 'v1', 'services', completePlan(planned).service)
      return
    case 'createPodGroup':
      await createPodGroup(context)
      return
    case 'createPod':
      await createPod(context, await podFor(context, action))
      return
    case 'replacePod':
      await replacePod(context, action)
      return
    case 'deletePod':
      await remove(context, podRef(job, action.name), action.uid, action.force ? 0 : undefined)
      return
    case 'endPod':
      await patchPod(client, podRef(job, action.name), { uid: action.uid }, signal, {
        activeDeadlineSeconds: END_NOW_SECONDS,
      })
      return
    case 'releasePod':
      await releasePod(client, job.metadata.namespace, action, signal)
      return
    case 'annotatePod': {
      const { name, uid, annotations } = action
      await patchPod(client, podRef(job, name), { uid, annotations }, signal)
      return
    }
    case 'pinCheckpoints':
      await context.reports.pin(action.podIP, action.steps, signal)
      return
    case 'createTransfer':
      await createTransfer(context, action.name)
      return
    case 'noteTransfers':
      await noteTransfers(context, action.names)
      return
    case 'deleteJob':
      await remove(context, jobRef(job), action.uid)
      return
    default:
      assertNever(action)
  }
}

function podRef({ metadata }: ActionContext['job'], name: string): Ref {
  return { apiVersion: 'v1', plural: 'pods', namespace: metadata.namespace, name }
}

export function jobRef({ kind, metadata }: Pick<Job, 'kind' | 'metadata'>): Ref {
  return { apiVersion: API_VERSION, plural: PLURALS[kind], namespace: metadata.namespace, name: metadata.name }
}

async function create(
  { client, job, signal }: ActionContext,
  apiVersion: string,
  plural: string,
  object: KubeObject,
): Promise<CreateResult<KubeObject & { spec?: unknown }>> {
  const where = { apiVersion, plural, namespace: job.metadata.namespace }
  return createOrAdopt(client, where, object, job.metadata.uid, { signal })
}

async function createPodGroup(context: ActionContext): Promise<void> {
  const wanted = completePlan(context.planned).podGroup as (KubeObject & { spec: Record<string, unknown> }) | undefined
  if (!wanted) return
  const { apiVersion = '' } = wanted
  const { object, outcome } = await create(context, apiVersion, 'podgroups', wanted)
  const there = (object.spec ?? {}) as Record<string, unknown>
  const isUpToDate = Object.entries(wanted.spec).every(([field, value]) => isDeepStrictEqual(there[field], value))
  if (outcome === 'created' || isUpToDate) return
  const { namespace, name } = wanted.metadata
  const ref = { apiVersion, plural: 'podgroups', namespace, name }
  await context.client.mergePatch(ref, { spec: wanted.spec }, { signal: context.signal })
}

export async function releasePod(
  client: KubeClient,
  namespace: string,
  { name, uid, finalizers }: Extract<Action, { type: 'releasePod' }>,
  signal: AbortSignal,
): Promise<void> {
  const others = finalizers.filter((one) => one !== KUEUE_FINALIZER)
  await patchPod(client, { apiVersion: 'v1', plural: 'pods', namespace, name }, { uid, finalizers: others }, signal)
}

/** Patches only the observed pod: with its uid in the patch, a successor of the same name gives a Conflict. */
async function patchPod(
  client: KubeClient,
  ref: Ref,
  metadata: { uid: string; finalizers?: string[]; annotations?: Record<string, string> },
  signal: AbortSignal,
  spec?: object,
): Promise<void> {
  const isOther = (error: unknown) => isConflict(error) || isNotFound(error)
  await client.mergePatch(ref, { metadata, ...(spec && { spec }) }, { signal }).catch(ignore(isOther))
}

async function podFor({ client, job, planned, signal }: ActionContext, order: PodOrder): Promise<KubeObject> {
  const wanted = completePlan(planned).pod(order)
  if (order.like === undefined) return wanted
  const peer = await client.find<WholePod>(podRef(job, order.like), { signal })
  return peer ? copyPod(wanted as WholePod, order.avoid ? preferOthers(peer, order.avoid) : peer) : wanted
}

function preferOthers(pod: WholePod, nodes: readonly string[]): WholePod {
  return { ...pod, spec: { ...pod.spec, affinity: avoidNodes(pod.spec.affinity, nodes) } }
}

async function createPod(context: ActionContext, wanted: KubeObject): Promise<void> {
  const { object, outcome } = await create(context, 'v1', 'pods', wanted)
  if (outcome === 'created') return context.onPodCreated(wanted.metadata.name)
  // The pod exists but the watch does not show it, so it has lost labels. Those that it still has win over planned
  // ones.
  const labels = { ...wanted.metadata.labels, ...object.metadata.labels }
  if (Object.keys(labels).length === Object.keys(object.metadata.labels ?? {}).length) return
  const { client, signal } = context
  await client.mergePatch(podRef(context.job, object.metadata.name), { metadata: { labels } }, { signal })
}

async function replacePod(context: ActionContext, action: Extract<Action, { type: 'replacePod' }>): Promise<void> {
  // Planned before the deletion, because the pod to copy may be the one that is deleted.
  const wanted = await podFor(context, action)
  await remove(context, podRef(context.job, action.name), action.uid)
  await createPod(context, wanted)
}

async function noteTransfers({ client, job, signal }: ActionContext, names: readonly string[]): Promise<void> {
  const annotations = { [ANNOTATIONS.transfersMade]: names.join(',') }
  await client.mergePatch(jobRef(job), { metadata: { annotations } }, { signal }).catch(ignore(isNotFound))
}

async function createTransfer({ client, job, planned, signal }: ActionContext, name: string): Promise<void> {
  const object = planned.transfers.find((transfer) => transfer.name === name)?.object
  if (!object) return
  const { namespace } = object.metadata
  const where = { apiVersion: API_VERSION, plural: PLURALS.FinetuneJob, namespace }
  await createOrAdopt(client, where, object, job.metadata.uid, { signal })
}

/** Deletes only the observed object: a successor of the same name gives a Conflict and stays. */
async function remove(
  { client, signal }: ActionContext,
  ref: Ref,
  uid: string,
  gracePeriodSeconds?: number,
): Promise<void> {
  const grace = gracePeriodSeconds === undefined ? {} : { gracePeriodSeconds }
  await client.delete(ref, { uid, signal, propagationPolicy: 'Background', ...grace }).catch(ignore(isConflict))
}

function ignore(expected: (error: unknown) => boolean): (error: unknown) => undefined {
  return (error) => {
    if (!expected(error)) throw error
  }
}
