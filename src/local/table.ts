/** What `kubectl get` prints: the server renders the rows, so columns are decided here. */
import { COLUMNS, type Column } from './columns.ts'
import type { Stored } from './objects.ts'
import type { Resource } from './resources.ts'

export function wantsTable(accept: string | undefined): boolean {
  return accept?.includes('as=Table') ?? false
}

export function tableOf(
  resource: Resource,
  objects: readonly Stored[],
  version: number,
  nowMs: number,
): Record<string, unknown> {
  const columns = [NAME, ...(COLUMNS[resource.kind] ?? [AGE])]
  return {
    kind: 'Table',
    apiVersion: 'meta.k8s.io/v1',
    metadata: { resourceVersion: String(version) },
    columnDefinitions: columns.map(({ name, type = 'string', wide }) => ({
      name,
      type,
      format: '',
      description: name,
      priority: wide ? 1 : 0,
    })),
    rows: objects.map((object) => ({
      cells: columns.map(({ cell }) => cell(object, nowMs) ?? ''),
      object: { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata: object.metadata },
    })),
  }
}

const NAME: Column = { name: 'Name', cell: ({ metadata }) => metadata.name }
export const AGE: Column = { name: 'Age', cell: ({ metadata }, nowMs) => age(metadata.creationTimestamp, nowMs) }

/** As kubectl writes durations: 45s, 3m20s, 5h, 2d. */
export function age(timestamp: string | undefined, nowMs: number): string {
  if (!timestamp) return '<unknown>'
  const seconds = Math.max(0, Math.floor((nowMs - Date.parse(timestamp)) / 1000))
  if (seconds < 120) return `${seconds}s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 10) return `${minutes}m${seconds % 60 ? `${seconds % 60}s` : ''}`
  if (minutes < 180) return `${minutes}m`
  const hours = Math.floor(minutes / 60)
  return hours < 48 ? `${hours}h` : `${Math.floor(hours / 24)}d`
}
