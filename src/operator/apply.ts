/** Does what `decide` asked for: one request an action (two for a replacement), many at once, each failure by itself. */
import type { Job } from '../api/job.ts'
import { ANNOTATIONS, API_VERSION, PLURALS } from '../contract/names.ts'
import { createOrAdopt } from '../kube/apply.ts'
import type { KubeClient } from '../kube/client.ts'
import { isConflict, isNotFound } from '../kube/errors.ts'
import { mapLimit } from '../kube/map-limit.ts'
import type { Collection, KubeObject, Ref } from '../kube/objects.ts'
import { assertNever, errorCode } from '../support/errors.ts'
import type { Action, PodOrder } from './actions.ts'
import { copyPod, type WholePod } from './copy-pod.ts'
import type { Planned } from './planned.ts'
import type { ReportReader } from './runtime-status.ts'

const IN_PARALLEL = 50

export interface ApplyContext {
  client: KubeClient
  job: Pick<Job, 'kind' | 'metadata'>
  /** Absent for a job that cannot be planned; then no action needs it. */
  planned: Planned
  reports: Pick<ReportReader, 'pin'>
  signal: AbortSignal
}

export interface Failed {
  item: Action
  error: unknown
}

/** Begins the actions in their order. @returns those that failed; an aborted signal fails the rest */
export async function applyActions(actions: readonly Action[], context: ApplyContext): Promise<Failed[]> {
  const { errors } = await mapLimit(actions, IN_PARALLEL, async (action) => {
    context.signal.throwIfAborted()
    await applyOne(action, context)
  })
  return errors
}

async function applyOne(action: Action, context: ApplyContext): Promise<void> {
  const { client, job, planned, signal } = context
  switch (action.type) {
    case 'createService':
      await create(context, 'services', planned.service)
      return
    case 'createPod':
      await createPod(context, await podFor(context, action))
      return
    case 'replacePod': {
      // What it is to be like may be the very pod that goes.
      const wanted = await podFor(context, action)
      await remove(context, { ...pods(job), name: action.name }, action.uid)
      await createPod(context, wanted)
      return
    }
    case 'deletePod':
      await remove(context, { ...pods(job), name: action.name }, action.uid)
      return
    case 'pinCheckpoints':
      await context.reports.pin(action.podIP, action.steps, signal)
      return
    case 'createTransfer':
      await createTransfer(context, action.name)
      return
    case 'noteTransfers': {
      const annotations = { [ANNOTATIONS.transfersMade]: action.names.join(',') }
      await client.mergePatch(jobRef(job), { metadata: { annotations } }, { signal }).catch(ignore(isNotFound))
      return
    }
    case 'deleteJob':
      await remove(context, jobRef(job), action.uid)
      return
    default:
      assertNever(action)
  }
}

const pods = ({ metadata }: ApplyContext['job']): Collection => ({
  apiVersion: 'v1',
  plural: 'pods',
  namespace: metadata.namespace,
})

export function jobRef({ kind, metadata }: Pick<Job, 'kind' | 'metadata'>): Ref {
  return { apiVersion: API_VERSION, plural: PLURALS[kind], namespace: metadata.namespace, name: metadata.name }
}

async function create({ client, job, signal }: ApplyContext, plural: string, object: KubeObject) {
  const where = { apiVersion: 'v1', plural, namespace: job.metadata.namespace }
  return createOrAdopt(client, where, object, job.metadata.uid, { signal })
}

async function podFor({ client, job, planned, signal }: ApplyContext, order: PodOrder): Promise<KubeObject> {
  const wanted = planned.pod(order)
  if (order.like === undefined) return wanted
  const peer = await client.find<WholePod>({ ...pods(job), name: order.like }, { signal })
  return peer ? copyPod(wanted as WholePod, peer) : wanted
}

async function createPod(context: ApplyContext, wanted: KubeObject): Promise<void> {
  const { object, outcome } = await create(context, 'pods', wanted)
  if (outcome === 'created') return
  // Ours, but not in our watch: somebody took its labels. Labels it still has are its truth.
  const labels = { ...wanted.metadata.labels, ...object.metadata.labels }
  if (Object.keys(labels).length === Object.keys(object.metadata.labels ?? {}).length) return
  const { client, signal } = context
  await client.mergePatch({ ...pods(context.job), name: object.metadata.name }, { metadata: { labels } }, { signal })
}

async function createTransfer({ client, job, planned, signal }: ApplyContext, name: string): Promise<void> {
  const object = planned.transfers.find((transfer) => transfer.name === name)?.object
  if (!object) return
  const { namespace } = object.metadata
  const where = { apiVersion: API_VERSION, plural: PLURALS.FinetuneJob, namespace }
  await createOrAdopt(client, where, object, job.metadata.uid, { signal })
}

/** Only the object that was seen: a successor of the same name answers Conflict and is left alone. */
async function remove({ client, signal }: ApplyContext, ref: Ref, uid: string): Promise<void> {
  await client.delete(ref, { uid, signal, propagationPolicy: 'Background' }).catch(ignore(isConflict))
}

function ignore(expected: (error: unknown) => boolean): (error: unknown) => undefined {
  return (error) => {
    if (!expected(error)) throw error
  }
}

/** A name held by somebody else: no back-off mends that, a person does. */
export const isNameConflict = (error: unknown): boolean => errorCode(error) === 'NAME_CONFLICT'
