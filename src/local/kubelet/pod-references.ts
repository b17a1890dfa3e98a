/** Other objects that a pod needs: claims that it mounts, and config maps and secrets of its variables. */
import type { Stored } from '../store/objects.ts'
import { resourceOfKind } from '../store/resources.ts'
import type { ObjectStore } from '../store/store.ts'
import { type ContainerSpec, containerOf } from './container.ts'
import type { PodVolumes } from './pod-volumes.ts'

type Variable = NonNullable<ContainerSpec['env']>[number]

const CONFIG_MAPS = resourceOfKind('ConfigMap')

/** A change of one of these resources may let a waiting pod start. */
export const AWAITED_RESOURCES = new Set(['persistentvolumeclaims', CONFIG_MAPS.plural])

/** A sentence for each missing object; empty if the pod can start. */
export function missingFor(pod: Stored, volumes: PodVolumes, store: ObjectStore): string[] {
  const claims = volumes.missingClaims(pod).map((name) => `persistentvolumeclaim "${name}" not found`)
  const variables = (containerOf(pod).env ?? []).flatMap((one) => missingOfVariable(one, pod, store))
  return [...new Set([...claims, ...variables])]
}

/** Returns a function that reads a key of a config map. */
export function configMapReader(pod: Stored, store: ObjectStore): (name: string, key: string) => string | undefined {
  return (name, key) => dataOf(name, pod, store)?.[key]
}

function missingOfVariable({ name: variable, valueFrom = {} }: Variable, pod: Stored, store: ObjectStore): string[] {
  const { configMapKeyRef: map, secretKeyRef: secret } = valueFrom
  if (secret && !secret.optional)
    return [
      `secret "${secret.name}" not found: local mode has no secrets, so ${variable} needs a value or optional: true`,
    ]
  if (!map || map.optional) return []
  const data = dataOf(map.name, pod, store)
  if (data === undefined) return [`configmap "${map.name}" not found`]
  return data[map.key] === undefined ? [`configmap "${map.name}" has no key "${map.key}" for ${variable}`] : []
}

function dataOf(name: string, { metadata }: Stored, store: ObjectStore): Record<string, string> | undefined {
  const map = store.find(CONFIG_MAPS, metadata.namespace, name) as { data?: Record<string, string> } | undefined
  return map && { ...map.data }
}
