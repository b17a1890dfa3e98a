/** The environment of a pod's process: what the spec says, with folders of this machine for mounts. */
import { ENV, FOLDER_ENV, MOUNTS, type Mount } from '../contract/runtime.ts'
import type { Stored } from './objects.ts'
import type { ContainerSpec } from './pod-process.ts'

export interface PodPlace {
  pod: Stored
  podIP: string
  hostsFile: string
  /** What every process of the run is given. */
  common: Readonly<Record<string, string>>
  terminationLog: string
  /** A mount path of the pod → the folder that stands for it. */
  folderOf: (mountPath: string) => string | undefined
}

/** What a process needs of the machine's own environment; nothing else leaks into pods. */
const INHERITED = ['PATH', 'HOME', 'TMPDIR', 'LANG', 'TZ', 'NODE_COMPILE_CACHE']

export function podEnvironment(
  place: PodPlace,
  { env = [] }: ContainerSpec,
  machine: NodeJS.ProcessEnv,
): Record<string, string> {
  const inherited = INHERITED.flatMap((name) => (machine[name] === undefined ? [] : [[name, machine[name]]]))
  const given = env.map(({ name, value, valueFrom }) => [
    name,
    valueFrom?.fieldRef ? fieldOf(place, valueFrom.fieldRef.fieldPath) : mounted(place, value ?? ''),
  ])
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
