/** The jobs of one seed: pre-training on jft-mini with several workers, once for each contender. */
import { API_VERSION } from '../../src/contract/names.ts'
import { claim, claimOfData, type Manifest, yamlOf } from '../local-jobs.ts'
import { type Contender, WORKERS } from './contenders.ts'

export interface Run {
  readonly stateDir: string
  readonly seeds: readonly number[]
  readonly steps: number
}

const DATA = 'jft-mini'
const CHECKPOINTS = 'checkpoints'
/** All jobs train on the same pictures, so that their losses differ by the policy, weights, order and chance alone. */
const DATA_SEED = 1

export function manifests({ stateDir, seeds, steps }: Run, contenders: readonly Contender[]): string {
  const jobs = seeds.flatMap((seed) => contenders.map((contender) => job(contender, seed, steps)))
  return yamlOf([claimOfData(DATA, { stateDir, seed: DATA_SEED }), claim(CHECKPOINTS), ...jobs])
}

export function jobName({ name }: Contender, seed: number): string {
  return `${name}-${seed}`
}

function job(contender: Contender, seed: number, maxSteps: number): Manifest {
  const { policy, prefetch, compression } = contender
  const data = (path: string) => ({ source: { claimName: DATA, path }, format: 'tfrecord', labels: 'labels.json' })
  const spec = {
    preset: 'jft-mini',
    data: data('pretrain'),
    evaluation: { data: data('evaluation') },
    workers: { replicas: WORKERS },
    async: { policy, ...(prefetch && { prefetch }), ...(compression && { compression }) },
    seed,
    maxSteps,
    checkpoint: { everySteps: maxSteps, storage: { volume: { claimName: CHECKPOINTS } } },
  }
  return { apiVersion: API_VERSION, kind: 'PretrainJob', metadata: { name: jobName(contender, seed) }, spec }
}
