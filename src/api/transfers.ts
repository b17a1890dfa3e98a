/** The FinetuneJobs that `PretrainJob.spec.transfers` stands for: how the paper watched pre-training (paper.md §1.9). */
import { API_VERSION } from '../contract/names.ts'
import type { PretrainJobSpec } from './pretrain-job.ts'

type Transfer = NonNullable<PretrainJobSpec['transfers']>[number]

export interface TransferPlan {
  name: string
  /** The global step at which it is made; undefined: when the job has succeeded. */
  step: number | undefined
  /** A FinetuneJob as a user would write it. */
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

/** @param step the checkpoint it starts from; undefined: the last one of a job that has succeeded */
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
    // A baseline starts from nothing.
    spec: { ...transfer.template, ...(transfer.template.init === 'random' ? {} : { from }) },
  }
}

/** Every global step at which a FinetuneJob is made, ascending: the checkpoints that must be there. */
export function transferSteps({ transfers = [] }: Pick<PretrainJobSpec, 'transfers'>): number[] {
  return [...new Set(transfers.flatMap(({ at }) => at.steps ?? []))].sort((a, b) => a - b)
}
