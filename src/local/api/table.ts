/** Tables for `kubectl get`, which prints the columns and rows that the server renders. */

import type { Stored } from '../store/objects.ts'
import type { Resource } from '../store/resources.ts'
import { AGE, COLUMNS, type Column } from './columns.ts'

export function wantsTable(accept: string | undefined): boolean {
  return accept?.includes('as=Table') ?? false
}

export function tableOf(
  resource: Resource,
  objects: readonly Stored[],
  version: number,
  nowMs: number,
): Record<string, unknown> {
  const own = COLUMNS[resource.kind] ?? [AGE]
  // Names of events are generated: the column is the last one, and shown only with `-o wide`.
  const columns = resource.kind === 'Event' ? [...own, { ...NAME, wide: true }] : [NAME, ...own]
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
      cells: columns.map(({ cell }) => cell(object, nowMs) ?? null),
      object: { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata: object.metadata },
    })),
  }
}

const NAME: Column = { name: 'Name', cell: ({ metadata }) => metadata.name }
