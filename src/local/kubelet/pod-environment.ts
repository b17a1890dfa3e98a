/** The environment of a pod's process: the variables of its spec, with folders of this machine in place of mounts. */
import { availableParallelism, totalmem } from 'node:os'
import { unitsIn } from '../../api/quantities.ts'
import { ENV, FOLDER_ENV, MOUNTS, type Mount, TENSORFLOW_THREADS } from '../../contract/runtime.ts'
import type { Stored } from '../store/objects.ts'
import type { ContainerSpec, Quantities, VariableSource } from './container.ts'

export interface PodPlace {
  pod: Stored
  podIP: string
  hostsFile: string
  /** Variables for each process of the run. */
  common: Readonly<Record<string, string>>
  terminationLog: string
  /** Maps a mount path of the pod, or a path below one, to its folder on this machine. */
  folderOf: (mountPath: string) => string | undefined
  configMapText: (name: string, key: string) => string | undefined
}

/** Pods inherit these variables of the machine and no others. */
const INHERITED = [
  'PATH',
  'HOME',
  'TMPDIR',
  'LANG',
  'TZ',
  'NODE_COMPILE_CACHE',
  'DOWNPOUR_CACHE',
  'XDG_CACHE_HOME',
  ...TENSORFLOW_THREADS,
  ENV.decoders,
]

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
  const variables = [...inherited, ...given, ...local, ...Object.entries(place.common), ...folders(place)]
  return { ...Object.fromEntries(variables), ...threads(Object.fromEntries(given), machine) }
}

/** A pod's CPU limit may be higher than its share of this machine, which the run sets. */
function threads(given: NodeJS.ProcessEnv, machine: NodeJS.ProcessEnv): Record<string, string> {
  const both = TENSORFLOW_THREADS.filter((name) => given[name] !== undefined && machine[name] !== undefined)
  return Object.fromEntries(both.map((name) => [name, String(Math.min(Number(given[name]), Number(machine[name])))]))
}

/** Folder variables for the mounts that the runtime knows. */
function folders({ folderOf }: PodPlace): [string, string][] {
  return (Object.keys(MOUNTS) as Mount[]).flatMap((mount) => {
    const folder = folderOf(MOUNTS[mount])
    return folder ? [[FOLDER_ENV[mount], folder]] : []
  })
}

/** Replaces a value that is a mount path, or a path below one, by the folder on this machine. */
function mounted({ folderOf }: PodPlace, value: string): string {
  return value.startsWith('/') ? (folderOf(value) ?? value) : value
}

/** Undefined for an optional source that does not exist; the variable is then not set. */
function sourceText(place: PodPlace, container: ContainerSpec, source: VariableSource): string | undefined {
  const { fieldRef, resourceFieldRef, configMapKeyRef } = source
  if (fieldRef) return fieldOf(place, fieldRef.fieldPath)
  if (resourceFieldRef) return resourceText(container, resourceFieldRef.resource, resourceFieldRef.divisor)
  return configMapKeyRef && place.configMapText(configMapKeyRef.name, configMapKeyRef.key)
}

/** @param field `limits.cpu`. Without a limit, Kubernetes gives the capacity of the node, here of the machine. */
function resourceText({ resources = {} }: ContainerSpec, field: string, divisor = '1'): string {
  const [kind = '', resource = ''] = field.split('.')
  const machine: Quantities = { cpu: availableParallelism(), memory: totalmem() }
  const { limits = {}, requests = limits } = resources
  const asked = kind === 'limits' ? (limits[resource] ?? machine[resource]) : requests[resource]
  return String(unitsIn(asked ?? 0, divisor === '0' ? '1' : divisor))
}

/** Fields of the downward API. */
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
