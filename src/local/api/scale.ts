/** The scale subresource: the number of workers in the form that autoscalers and `kubectl scale` use. */

import { isFields } from '../../support/fields.ts'
import type { Stored } from '../store/objects.ts'
import { badRequest, StatusError } from '../store/status-error.ts'

interface Scale {
  kind: 'Scale'
  apiVersion: 'autoscaling/v1'
  metadata: Record<string, unknown>
  spec: { replicas: number }
  status: { replicas: number; selector?: string }
}

/** @throws StatusError 500, as a real API server does, if the number of workers comes from the preset alone */
export function scaleOf(object: Stored): Scale {
  const replicas = replicasOf(object)
  if (replicas !== undefined) return scaleWith(object, replicas)
  throw new StatusError(
    500,
    'InternalError',
    'Internal error occurred: the spec replicas field ".spec.workers.replicas" does not exist',
  )
}

/** The scale that a patch applies to. */
export function scaleToPatch(object: Stored): Scale {
  return scaleWith(object, replicasOf(object) ?? 0)
}

function scaleWith(object: Stored, replicas: number): Scale {
  const { name, namespace, uid, resourceVersion, creationTimestamp } = object.metadata
  const status = object.status as { workersReady?: number; workerSelector?: string } | undefined
  return {
    kind: 'Scale',
    apiVersion: 'autoscaling/v1',
    metadata: { name, namespace, uid, resourceVersion, creationTimestamp },
    spec: { replicas },
    status: {
      replicas: status?.workersReady ?? 0,
      ...(status?.workerSelector ? { selector: status.workerSelector } : {}),
    },
  }
}

/** The object with the scale's number of workers, not validated yet. */
export function scaled(object: Stored, scale: unknown): Stored {
  const { spec, metadata } = isFields(scale) ? scale : {}
  const replicas = isFields(spec) ? spec.replicas : undefined
  if (!Number.isInteger(replicas)) throw badRequest('spec.replicas: expected a whole number')
  const { resourceVersion, uid } = (isFields(metadata) ? metadata : {}) as { resourceVersion?: string; uid?: string }
  const workers = { ...(object.spec?.workers as object | undefined), replicas }
  return {
    ...object,
    metadata: { ...object.metadata, resourceVersion: resourceVersion ?? '', uid: uid ?? object.metadata.uid },
    spec: { ...object.spec, workers },
  }
}

function replicasOf(object: Stored): number | undefined {
  return (object.spec?.workers as { replicas?: number } | undefined)?.replicas
}
