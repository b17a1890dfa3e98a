/** Rules between `workers.perPod` and the GPUs of a worker. */
import { GPU_NAMES, gpusOf } from '../contract/gpu.ts'
import type { JobKind } from '../contract/names.ts'
import { filled, hasPath, literal } from './filled.ts'
import type { Quantity } from './pod-resources.ts'
import { unitsIn } from './quantities.ts'
import type { Rule } from './rule.ts'

const BOTH = ['PretrainJob', 'FinetuneJob'] as const

const LIMITS = 'workers.template.resources.limits'
const IS_GPU = [
  ...GPU_NAMES.ends.map((end) => `name.endsWith(${literal(end)})`),
  `name.startsWith(${literal(GPU_NAMES.partsBegin)})`,
].join(' || ')
/** Of a spec with limits. */
const HAS_GPU = `self.${LIMITS}.exists(name, ${IS_GPU})`
const GPUS = `self.${LIMITS}.filter(name, ${IS_GPU}).map(name, quantity(string(self.${LIMITS}[name])).asInteger()).sum()`

interface Limited {
  workers: { template?: { resources?: { limits?: Record<string, Quantity> | undefined } | undefined } | undefined }
}

/** The number of GPUs that each worker requests. */
export function gpusOfWorker({ workers }: Limited): number {
  return gpusOf(workers.template?.resources?.limits ?? {}, (quantity) => Number(unitsIn(quantity, '1')))
}

export const PER_POD_RULES: readonly Rule[] = [
  {
    kinds: BOTH,
    path: 'spec.workers.perPod',
    message:
      'must be the number of GPUs in workers.template.resources.limits, because each process computes on one GPU: make them equal',
    holds: (spec) => {
      const gpus = gpusOfWorker(spec)
      // Only where it is written: stored jobs with more GPUs than they use stay valid.
      return spec.workers.perPod === undefined || gpus === 0 || gpus === spec.workers.perPod
    },
    cel: `!${hasPath('workers.perPod')} || !${hasPath(LIMITS)} || !${HAS_GPU} || ${GPUS} == self.workers.perPod`,
  },
  {
    kinds: BOTH,
    path: 'spec.workers.perPod',
    message:
      'must be 1 with runtime.backend: webgpu and GPUs, because all processes would compute on the same one: choose tensorflow or auto',
    holds: (spec) => (spec.workers.perPod ?? 1) === 1 || spec.runtime.backend !== 'webgpu' || gpusOfWorker(spec) === 0,
    cel: (kind: JobKind) =>
      `!${hasPath('workers.perPod')} || self.workers.perPod == 1 || ${filled(kind, 'runtime.backend', 'auto')} != 'webgpu' || !${hasPath(LIMITS)} || !${HAS_GPU}`,
  },
]
