/** Jobs whose pods Prometheus must tell apart: names that begin alike, equal names of two kinds, and the longest name. */
import { MAX_JOB_NAME } from '../../src/api/names.ts'
import type { JobKind } from '../../src/contract/names.ts'
import { finetune, pretrain, type RawJob } from '../support/job-cases.ts'

const WORKERS = 2
export const JOBS: readonly [JobKind, string][] = [
  ['PretrainJob', 'a'],
  ['PretrainJob', 'a-b'],
  ['FinetuneJob', 'a'],
  ['PretrainJob', 'j'.repeat(MAX_JOB_NAME)],
]
/** Each has a parameter server, the workers and an evaluator. */
export const PODS_OF_JOBS = JOBS.length * (1 + WORKERS + 1)
/** Labels with dots must not become labels of series, nor disturb others. */
export function scrapedJob(namespace: string, kind: JobKind, name: string): RawJob {
  const data = { source: { claimName: 'data' }, format: 'imagenet-folder' }
  const spec = {
    data,
    evaluation: { data: { ...data, source: { claimName: 'data', path: 'val' } } },
    parameterServer: { replicas: 1 },
    workers: { replicas: WORKERS, template: { labels: { 'team.example.com/cost.centre': 'a.b' } } },
  }
  const job =
    kind === 'PretrainJob' ? pretrain(spec, name) : finetune({ ...spec, from: { volume: { claimName: 'data' } } }, name)
  return { ...job, metadata: { name, namespace } }
}
