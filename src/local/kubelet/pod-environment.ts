/** The environment of a pod's process: what the spec says, with folders of this machine for mounts. */
import { availableParallelism, totalmem } from 'node:os'
import { unitsIn } from '../../api/quantities.ts'
import { ENV, FOLDER_ENV, MOUNTS, type Mount } from '../../contract/runtime.ts'
import type { Stored } from '../store/objects.ts'
import type { ContainerSpec, Quantities, VariableSource } from './container.ts'

export interface PodPlace {
  pod: Stored
  podIP: string
  hostsFile: string
  /** What every process of the run is given. */
  common: Readonly<Record<string, string>>
  terminationLog: string
  /** A mount path of the pod → the folder that stands for it. */
  folderOf: (mountPath: string) => string | undefined
  configMapText: (name: string, key: string) => string | undefined
}

/** What a process needs of the machine's own environment; nothing else leaks into pods. */
const INHERITED = ['PATH', 'HOME', 'TMPDIR', 'LANG', 'TZ', 'NODE_COMPILE_CACHE']

export function podEnvironment(
  place: PodPlace,
  container: ContainerSpec,
  machine: NodeJS.ProcessEnv,
): Record<string, string> {
  const inherited = INHERITED.flatMap((name) => (machine[name] === undefined ? [] : [[name, machine[name]]]))
  const given = (container.env ?? []).flatMap(({ name, value, valueFrom }) => {
    const text = valueFrom ? sourceText(place, container, valueFrom) : mounted(place, value ?? '')
    return text === undefined ? [] : [[name, text]]
  })
  const local = [
    [ENV.podIp, place.podIP],
    [ENV.hostsFile, place.hostsFile],
    [ENV.terminationLog, place.terminationLog],
  ]
  return Object.fromEntries([...inherited, ...given, ...local, ...Object.entries(place.common), ...folders(place)])
}

/** Of what is mounted where the runtime looks for it. */
function folders({ folderOf }: PodPlace): [string, string][] {
  return (Object.keys(MOUNTS) as Mount[]).flatMap((mount) => {
    const folder = folderOf(MOUNTS[mount])
    return folder ? [[FOLDER_ENV[mount], folder]] : []
  })
}

/** A value that is a mount path, or lies under one, becomes the folder of this machine. */
function mounted({ folderOf }: PodPlace, value: string): string {
  return value.startsWith('/') ? (folderOf(value) ?? value) : value
}

/** Undefined for an optional source that is not there: then there is no variable. */
function sourceText(place: PodPlace, container: ContainerSpec, source: VariableSource): string | undefined {
  const { fieldRef, resourceFieldRef, configMapKeyRef } = source
  if (fieldRef) return fieldOf(place, fieldRef.fieldPath)
  if (resourceFieldRef) return resourceText(container, resourceFieldRef.resource, resourceFieldRef.divisor)
  return configMapKeyRef && place.configMapText(configMapKeyRef.name, configMapKeyRef.key)
}

/** @param field `limits.cpu`. Without a limit it is what the machine has, as on a node. */
function resourceText({ resources = {} }: ContainerSpec, field: string, divisor = '1'): string {
  const [kind = '', resource = ''] = field.split('.')
  const machine: Quantities = { cpu: availableParallelism(), memory: totalmem() }
  const { limits = {}, requests = limits } = resources
  const asked = kind === 'limits' ? (limits[resource] ?? machine[resource]) : requests[resource]
  return String(unitsIn(asked ?? 0, divisor === '0' ? '1' : divisor))
}

/** The downward API. */
function fieldOf({ pod, podIP }: PodPlace, path: string): string {
  const { metadata } = pod
  const keyed = /^metadata\.(labels|annotations)\['(.+)'\]$/.exec(path)
  if (keyed) return metadata[keyed[1] as 'labels' | 'annotations']?.[keyed[2] as string] ?? ''
  const fields: Record<string, string> = {
    'metadata.name': metadata.name,
    'metadata.namespace': metadata.namespace ?? '',
    'metadata.uid': metadata.uid,
    'status.podIP': podIP,
    'spec.nodeName': String(pod.spec?.nodeName ?? ''),
  }
  return fields[path] ?? ''
}
