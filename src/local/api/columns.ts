/** Columns of `kubectl get` after the name, for each kind. For jobs they are the CRDs' printer columns. */
import { PRINTER_COLUMNS } from '../../api/printer-columns.ts'
import type { JobKind } from '../../contract/names.ts'
import { valueAt } from '../../support/fields.ts'
import type { Stored } from '../store/objects.ts'
import { age } from './age.ts'
import { podStatus, readyContainers, restartsOfContainers } from './pod-columns.ts'

export interface Column {
  name: string
  type?: 'string' | 'integer' | 'number' | 'date'
  /** kubectl shows the column with `-o wide` only. */
  wide?: boolean
  cell(object: Stored, nowMs: number): string | number | undefined
}

export const AGE: Column = { name: 'Age', cell: ({ metadata }, nowMs) => age(metadata.creationTimestamp, nowMs) }

/** A column that shows a field as text. @param path `.status.phase` */
const field = (name: string, path: string, wide = false): Column => ({
  name,
  wide,
  cell: (object) => textAt(object, path),
})

function fieldAt(object: unknown, path: string): unknown {
  return valueAt(object, path.split('.').filter(Boolean))
}

function textAt(object: unknown, path: string): string {
  const value = fieldAt(object, path)
  return value === undefined || value === null ? '' : String(value)
}

/** Renders the CRD's printer columns as an API server does. */
const jobColumns = (kind: JobKind): Column[] =>
  PRINTER_COLUMNS[kind].map(({ name, type, jsonPath }) =>
    type === 'date'
      ? { ...AGE, type }
      : { name, type, cell: (object) => fieldAt(object, jsonPath) as string | number | undefined },
  )

export const COLUMNS: Readonly<Record<string, readonly Column[]>> = {
  PretrainJob: jobColumns('PretrainJob'),
  FinetuneJob: jobColumns('FinetuneJob'),
  Pod: [
    { name: 'Ready', cell: readyContainers },
    { name: 'Status', cell: podStatus },
    { name: 'Restarts', type: 'integer', cell: restartsOfContainers },
    AGE,
    field('IP', '.status.podIP', true),
    field('Node', '.spec.nodeName', true),
  ],
  Service: [field('Type', '.spec.type'), field('Cluster-IP', '.spec.clusterIP'), AGE],
  Event: [
    {
      name: 'Last Seen',
      cell: (event, nowMs) => age(textAt(event, 'lastTimestamp') || event.metadata.creationTimestamp, nowMs),
    },
    field('Type', '.type'),
    field('Reason', '.reason'),
    {
      name: 'Object',
      cell: (event) => `${textAt(event, 'involvedObject.kind').toLowerCase()}/${textAt(event, 'involvedObject.name')}`,
    },
    field('Message', '.message'),
    field('Count', '.count', true),
  ],
  PersistentVolumeClaim: [field('Status', '.status.phase'), AGE],
  Namespace: [field('Status', '.status.phase'), AGE],
  Node: [{ name: 'Status', cell: () => 'Ready' }, AGE],
  Lease: [field('Holder', '.spec.holderIdentity'), AGE],
}
