/** Applies the objects of a run's files by server-side apply: a field removed from the file is removed from the object. */
import { API_VERSION, type JobKind, PLURALS } from '../../contract/names.ts'
import type { KubeClient } from '../../kube/client.ts'
import type { Waiting } from '../../kube/client-options.ts'
import { KubeError } from '../../kube/errors.ts'
import type { KubeObject, Ref } from '../../kube/objects.ts'
import { systemClock } from '../../support/clock.ts'
import { DownpourError, errorCode, errorMessage } from '../../support/errors.ts'
import type { Manifest } from '../manifests.ts'

export const PLURAL_OF: Readonly<Record<string, string>> = {
  ...PLURALS,
  PersistentVolumeClaim: 'persistentvolumeclaims',
}
/** HTTP status of the local API server when its disk is full. The request is repeated until there is space. */
const STORAGE_FULL = 507
const RETRY_INTERVAL_MS = 1000
const DEFAULT_NAMESPACE = 'default'
/** The same in all runs, so that a later run can remove fields that an earlier one has set. */
const FIELD_MANAGER = 'downpour-run'

export interface Applied {
  stored: KubeObject & { status?: { phase?: string } }
  outcome: 'created' | 'configured' | 'unchanged'
}

export function namespaceOf({ metadata }: Manifest['object']): string {
  return metadata.namespace ?? DEFAULT_NAMESPACE
}

export function jobRef(kind: JobKind, { namespace, name }: { namespace: string; name: string }): Ref {
  return { apiVersion: API_VERSION, plural: PLURALS[kind], namespace, name }
}

/**
 * Checks all objects without storing any, so that no part of a file is applied if the API server refuses another part.
 * @throws DownpourError APPLY_REFUSED with a line for each refused object
 */
export async function dryRun(client: KubeClient, manifests: readonly Manifest[], waiting: Waiting): Promise<void> {
  const refusals: DownpourError[] = []
  for (const manifest of manifests)
    await applied(client, manifest, { ...waiting, dryRun: true }).catch((error) => {
      if (errorCode(error) !== 'APPLY_REFUSED') throw error
      refusals.push(error)
    })
  if (refusals.length > 0) throw new DownpourError('APPLY_REFUSED', refusals.map(errorMessage).join('\n'))
}

/** @throws DownpourError APPLY_REFUSED with the file, the object and the API server's reason */
export async function applyManifest(client: KubeClient, manifest: Manifest, waiting: Waiting): Promise<Applied> {
  const existing = await client.find(refOf(manifest), waiting)
  const stored = await applied(client, manifest, waiting)
  if (!existing) return { stored, outcome: 'created' }
  const isSame = stored.metadata.resourceVersion === existing.metadata.resourceVersion
  return { stored, outcome: isSame ? 'unchanged' : 'configured' }
}

async function applied(
  client: KubeClient,
  manifest: Manifest,
  options: Waiting & { dryRun?: boolean },
): Promise<Applied['stored']> {
  const { file, object } = manifest
  try {
    return await client.apply<Applied['stored']>(refOf(manifest), intentOf(object), {
      ...options,
      fieldManager: FIELD_MANAGER,
    })
  } catch (error) {
    if (!(error instanceof KubeError)) throw error
    if (error.httpStatus === STORAGE_FULL) {
      await systemClock.sleep(RETRY_INTERVAL_MS, options.signal)
      return applied(client, manifest, options)
    }
    const message = `${file}: ${object.kind}/${object.metadata.name}: ${error.message}`
    throw new DownpourError('APPLY_REFUSED', message, { file }, { cause: error })
  }
}

function refOf({ object }: Manifest): Ref {
  const { apiVersion, kind, metadata } = object
  return { apiVersion, plural: PLURAL_OF[kind] as string, namespace: namespaceOf(object), name: metadata.name }
}

/** Removes status and server-side metadata, which a file written by `kubectl get -o yaml` contains. */
function intentOf({ metadata, ...object }: Manifest['object']): KubeObject {
  const { status: _, ...rest } = object as typeof object & { status?: unknown }
  const { name, labels, annotations } = metadata as KubeObject['metadata']
  return { ...rest, metadata: { name, ...(labels && { labels }), ...(annotations && { annotations }) } }
}
