/** The FinetuneJobs of `PretrainJob.spec.transfers`, which monitor pre-training as in the paper (paper.md §1.9). */
import { API_VERSION } from '../contract/names.ts'
import type { PretrainJobSpec } from './pretrain-job.ts'

type Transfer = NonNullable<PretrainJobSpec['transfers']>[number]

export interface TransferPlan {
  name: string
  /** The global step of its checkpoint; undefined: created when the job has succeeded. */
  step: number | undefined
  /** The FinetuneJob as an author would write it. */
  manifest: FinetuneManifest
}

export interface FinetuneManifest {
  apiVersion: string
  kind: 'FinetuneJob'
  metadata: { name: string; namespace: string }
  spec: Record<string, unknown>
}

export function transferPlans(job: {
  metadata: { name: string; namespace: string }
  spec: Pick<PretrainJobSpec, 'transfers'>
}): TransferPlan[] {
  return (job.spec.transfers ?? []).flatMap((transfer) => {
    const steps: (number | undefined)[] = [...(transfer.at.steps ?? []), ...(transfer.at.success ? [undefined] : [])]
    return steps.map((step) => {
      const manifest = finetuneManifest(job.metadata, transfer, step)
      return { name: manifest.metadata.name, step, manifest }
    })
  })
}

/** @param step of the checkpoint that it starts from; undefined: the last one */
export function finetuneManifest(
  source: { name: string; namespace: string },
  transfer: Transfer,
  step?: number,
): FinetuneManifest {
  const from = {
    pretrainJob: source.name,
    ...(step === undefined ? { checkpoint: 'latest' } : { checkpoint: 'step', step }),
  }
  return {
    apiVersion: API_VERSION,
    kind: 'FinetuneJob',
    metadata: {
      name: [source.name, transfer.name, ...(step === undefined ? [] : [step])].join('-'),
      namespace: source.namespace,
    },
    // A baseline starts from random weights.
    spec: { ...transfer.template, ...(transfer.template.init === 'random' ? {} : { from }) },
  }
}

/** The global steps of all transfers, ascending: their checkpoints must exist. */
export function transferSteps({ transfers = [] }: Pick<PretrainJobSpec, 'transfers'>): number[] {
  return [...new Set(transfers.flatMap(({ at }) => at.steps ?? []))].sort((a, b) => a - b)
}
