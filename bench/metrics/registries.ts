/** Registries as full as in a large installation, for the cost of one text. */
import type { Registry } from 'prom-client'
import { PHASES } from '../../src/api/status.ts'
import { ROLES } from '../../src/contract/names.ts'
import { createEvaluatorMetrics } from '../../src/metrics/evaluator.ts'
import type { JobFigures } from '../../src/metrics/jobs.ts'
import { createOperatorMetrics } from '../../src/metrics/operator.ts'
import { createPsMetrics } from '../../src/metrics/ps.ts'
import { createWorkerMetrics } from '../../src/metrics/worker.ts'

/** By name of the case. */
export const REGISTRIES: Readonly<Record<string, () => Registry>> = {
  'parameter server of 8 workers': () => parameterServer(8),
  'parameter server of 50 workers': () => parameterServer(50),
  worker: () => createWorkerMetrics({ defaults: true, tensors: () => 100 }).registry,
  evaluator: () => createEvaluatorMetrics({ defaults: true }).registry,
  'operator of 1 job': () => operator(1),
  'operator of 500 jobs': () => operator(500),
}

function parameterServer(workers: number): Registry {
  const { registry, training } = createPsMetrics({ defaults: true })
  const pushes = Array.from({ length: workers }, (_, worker) => {
    return { worker, pushes: 1000 + worker, stalenessSum: 50_000, lastPushSeconds: 1.7e9 + worker, slowness: 1.01 }
  })
  const leases = { held: workers, returned: 0, waiting: 100 }
  training(() => ({ learningRate: 0.01, stepsLost: 0, leases, workers: pushes }))
  return registry
}

function operator(jobs: number): Registry {
  const figures = Array.from({ length: jobs }, (_, nth) => jobOf(`jft-resnet101-${nth}`))
  return createOperatorMetrics({
    ...{ version: '1.2.3', phases: PHASES, concurrency: 8, defaults: true },
    ...{ jobs: () => figures, nowMs: Date.now },
  }).registry
}

function jobOf(job_name: string): JobFigures {
  const role = { desired: 50, ready: 50, restarts: 1 }
  return {
    labels: { namespace: 'research-vision', kind: 'PretrainJob', job_name },
    info: { task: 'multi-label', backbone: 'resnet101', preset: 'jft', init: 'random', protocol: '', from: '' },
    phase: 'Running',
    conditions: ['Running'],
    roles: Object.fromEntries(ROLES.map((name) => [name, role])),
    ...{ createdSeconds: 1.7e9, startSeconds: 1.7e9, runningForSeconds: 86_400, livedForSeconds: 90_000 },
    ...{ step: 123_456, maxSteps: 1_000_000, stepsLost: 12, checkpoint: { step: 123_000, savedSeconds: 1.7e9 } },
    results: { 'mAP@100': 0.37, 'leafMAP@100': 0.31, 'weightedMAP@100': 0.52 },
  }
}
