/** Registries of processes as they are after hours of the paper's job, and how many series they export. */
import type { Registry } from 'prom-client'
import { Histogram } from 'prom-client'
import { PHASES } from '../../src/api/status.ts'
import { createEvaluatorMetrics } from '../../src/metrics/evaluator.ts'
import type { JobFigures } from '../../src/metrics/jobs.ts'
import { createOperatorMetrics } from '../../src/metrics/operator.ts'
import { createPsMetrics } from '../../src/metrics/ps.ts'
import { createWorkerMetrics } from '../../src/metrics/worker.ts'

export const JOB = { workers: 50, parameterServers: 17 }
const SCORES = ['mAP@100', 'leafMAP@100', 'weightedMAP@100', 'loss']
const GC_KINDS = ['minor', 'incremental', 'major']
const HOST = 'kubernetes.default.svc:443'
const ANSWERS: readonly [method: string, ...codes: number[]][] = [
  ['GET', 200, 404],
  ['POST', 201, 409],
  ['PUT', 200, 409],
  ['PATCH', 200],
  ['DELETE', 200, 404],
]
const WATCHES = ['pretrainjobs', 'finetunejobs', 'pods', 'services']
const defaults = true

export function workerRegistry(): Registry {
  const { registry, loss } = createWorkerMetrics({ defaults, tensors: () => 0 })
  loss.set(1)
  return registry
}

/** @param isFirst parameter server 0, which also counts the pushes of each worker */
export function psRegistry(isFirst: boolean, perWorker = true): Registry {
  const { registry, training } = createPsMetrics({ defaults })
  const one = { pushes: 1, stalenessSum: 1, lastPushSeconds: 1, slowness: 1 }
  const workers = Array.from({ length: JOB.workers }, (_, worker) => ({ worker, ...one }))
  const leases = { held: 1, returned: 1, waiting: 1 }
  training(() => ({
    ...{ learningRate: 1, stepsLost: 0 },
    ...(isFirst && { leases }),
    workers: isFirst && perWorker ? workers : [],
  }))
  return registry
}

export function evaluatorRegistry(): Registry {
  const { registry, score } = createEvaluatorMetrics({ defaults })
  for (const metric of SCORES) score.set({ metric }, 1)
  return registry
}

export function operatorRegistry(): Registry {
  const options = { version: '0', phases: PHASES, concurrency: 1, nowMs: () => 0, defaults }
  const { registry, requests, reconcile, queue, leader, watches } = createOperatorMetrics({
    ...options,
    jobs: () => [jobFigures()],
  })
  reconcile.ended('success', 1)
  queue.started(1)
  queue.finished('success', 1)
  leader('downpour-operator', () => true)
  for (const resource of WATCHES) watches(resource, () => watchFigures)
  for (const [method, ...codes] of ANSWERS)
    for (const code of codes) {
      requests.answered({ method, host: HOST }, code, 1)
      requests.limited({ method, host: HOST }, 0)
    }
  return registry
}

const watchFigures = {
  ...{ relists: 0, reconnects: 0, expired: 0, errors: 0, tornLines: 0 },
  ...{ lastSyncMs: 0, lastEventMs: 0 },
}

function jobFigures(): JobFigures {
  const role = { desired: 1, ready: 1, restarts: 0 }
  return {
    labels: { namespace: 'default', kind: 'PretrainJob', job_name: 'jft' },
    info: { task: 'multi-label', backbone: 'resnet101', preset: '', init: 'random', protocol: '', from: '' },
    ...{ phase: 'Running', conditions: [], roles: { ps: role, worker: role, evaluator: role } },
    ...{ createdSeconds: 1, startSeconds: 1, runningForSeconds: 1, livedForSeconds: 1, step: 1, maxSteps: 1 },
    ...{ stepsLost: 0, checkpoint: { step: 1, savedSeconds: 1 } },
    results: Object.fromEntries(SCORES.map((name) => [name, 1])),
  }
}

/** @returns the series in its text. A process that has run for long has seen each kind of garbage collection. */
export async function countSeries(registry: Registry): Promise<number> {
  const collections = registry.getSingleMetric('nodejs_gc_duration_seconds')
  if (collections instanceof Histogram) for (const kind of GC_KINDS) collections.observe({ kind }, 0)
  const lines = (await registry.metrics()).split('\n')
  return lines.filter((line) => line !== '' && !line.startsWith('#')).length
}
