/** The fields of a pod's container that local mode reads. */
import type { Stored } from '../store/objects.ts'

export type Quantities = Readonly<Record<string, string | number>>

interface KeyRef {
  name: string
  key: string
  optional?: boolean
}

export interface VariableSource {
  fieldRef?: { fieldPath: string }
  resourceFieldRef?: { resource: string; divisor?: string }
  configMapKeyRef?: KeyRef
  secretKeyRef?: KeyRef
}

export interface ContainerSpec {
  name?: string
  image?: string
  args?: string[]
  env?: { name: string; value?: string; valueFrom?: VariableSource }[]
  resources?: { requests?: Quantities; limits?: Quantities }
  ports?: { name?: string; containerPort: number }[]
  volumeMounts?: { name: string; mountPath: string; subPath?: string }[]
  readinessProbe?: {
    httpGet?: { path?: string; port: string | number }
    periodSeconds?: number
    failureThreshold?: number
  }
}

export function containerOf(pod: Stored): ContainerSpec {
  return ((pod.spec?.containers as ContainerSpec[] | undefined) ?? [])[0] ?? {}
}
