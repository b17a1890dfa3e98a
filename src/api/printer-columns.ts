/** Columns of `kubectl get`, for the CRDs and for the embedded API server. */
import type { JobKind } from '../contract/names.ts'

export interface PrinterColumn {
  name: string
  type: 'string' | 'integer' | 'number' | 'date'
  jsonPath: string
  description: string
}

const column = (name: string, type: PrinterColumn['type'], jsonPath: string, description: string): PrinterColumn => ({
  name,
  type,
  jsonPath,
  description,
})

const columns = (result: PrinterColumn): readonly PrinterColumn[] => [
  column('Phase', 'string', '.status.phase', 'The phase of the job.'),
  column('Step', 'integer', '.status.progress.step', 'Global steps done.'),
  column('Progress', 'string', '.status.progress.percent', 'Global steps done of maxSteps.'),
  result,
  column('PS', 'string', '.status.replicas.ps.summary', 'Parameter servers: ready/desired.'),
  column('Workers', 'string', '.status.replicas.worker.summary', 'Workers: ready/desired.'),
  column('Restarts', 'integer', '.status.restarts.total', 'Pods that were replaced.'),
  column('Age', 'date', '.metadata.creationTimestamp', 'Time since the job was created.'),
]

export const PRINTER_COLUMNS: Readonly<Record<JobKind, readonly PrinterColumn[]>> = {
  PretrainJob: columns(column('Loss', 'number', '.status.progress.loss', 'Training loss.')),
  FinetuneJob: columns(column('Metric', 'string', '.status.headline', 'Newest evaluation.')),
}
