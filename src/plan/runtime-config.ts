/** Converts the spec into the configuration of the processes. */
import { type Job, wantedSource } from '../api/job.ts'
import { completeStragglers } from '../api/stragglers.ts'
import { transferSteps } from '../api/transfers.ts'
import { psHost } from '../contract/names.ts'
import type { DataConfig, RuntimeConfig } from '../contract/runtime.ts'
import { DEFAULT_MAX_WAITING } from '../contract/training.ts'
import { DownpourError } from '../support/errors.ts'
import { headlineMetric } from './metric.ts'
import { perPodOf } from './replicas.ts'

const EVALUATION_BATCH = 64
const UID_PREFIX = 8

export function runtimeConfig(job: Job): RuntimeConfig {
  const { spec, metadata } = job
  const { task, model, batchNorm, ...protocol } = modelConfig(job)
  return {
    formatVersion: 1,
    job: { kind: job.kind, namespace: metadata.namespace, name: metadata.name, uid: metadata.uid },
    seed: spec.seed,
    task,
    model,
    ...protocol,
    data: dataConfig(spec.data),
    batchSize: spec.batchSize,
    maxSteps: spec.maxSteps,
    optimizer: spec.optimizer,
    learningRate: spec.learningRate,
    weightDecay: spec.weightDecay,
    ...(spec.gradientClipNorm === undefined ? {} : { gradientClipNorm: spec.gradientClipNorm }),
    batchNorm,
    async: spec.async,
    // Left out by default, so that an upgrade of the operator changes no hash.
    ...(perPodOf(job) === 1 ? {} : { perPod: perPodOf(job) }),
    topology: {
      parameterServers: spec.parameterServer.replicas,
      workers: spec.workers.replicas,
      psHosts: Array.from({ length: spec.parameterServer.replicas }, (_, index) =>
        psHost(job.kind, metadata.name, metadata.namespace, index),
      ),
    },
    runtime: runtimeOf(spec.runtime),
    checkpoint: checkpointConfig(job),
    init: initOf(job),
    ...(spec.evaluation ? { evaluation: evaluationConfig(job) } : {}),
    maxNonFinite: spec.maxNonFinite,
    metrics: spec.metrics,
    ...stragglersOf(job),
  }
}

function runtimeOf({ backend, graph }: Job['spec']['runtime']): RuntimeConfig['runtime'] {
  return graph === undefined ? { backend } : { backend, graph }
}

function stragglersOf({ spec }: Job): Pick<RuntimeConfig, 'stragglers'> {
  if (!spec.workers.stragglers) return {}
  const { slowerThan, forSeconds } = completeStragglers(spec.workers.stragglers)
  return { stragglers: { slowerThan, forSeconds } }
}

/** What the network and its variables depend on. */
export function modelConfig(job: Job): Pick<RuntimeConfig, 'task' | 'model' | 'protocol' | 'freeze' | 'batchNorm'> {
  const { task, input, model, batchNorm } = job.spec
  const { type, ...options } = task
  return { task: { type, options, input }, model, ...protocolOf(job), batchNorm }
}

function protocolOf(job: Job): Pick<RuntimeConfig, 'protocol' | 'freeze'> {
  if (job.kind === 'PretrainJob') return { protocol: 'finetune' }
  const { protocol, freeze } = job.spec
  return { protocol, ...(freeze && { freeze }) }
}

/** The folder of a job inside its checkpoint claim; the uid distinguishes it from an earlier job of the same name. */
export function checkpointPath(job: Job): string {
  const { namespace, name, uid } = job.metadata
  const inside = job.spec.checkpoint.storage.volume.path
  return [...(inside ? [inside] : []), namespace, `${name}-${uid.slice(0, UID_PREFIX)}`].join('/')
}

function checkpointConfig(job: Job): RuntimeConfig['checkpoint'] {
  const { everySteps, everyMinutes, keep, keepBest } = job.spec.checkpoint
  return {
    path: checkpointPath(job),
    ...(everySteps === undefined ? {} : { everySteps }),
    ...(everyMinutes === undefined ? {} : { everySeconds: everyMinutes * 60 }),
    keep,
    keepBest,
    keepSteps: job.kind === 'PretrainJob' ? transferSteps(job.spec) : [],
  }
}

export function dataConfig(data: Job['spec']['data']): DataConfig {
  const { source, ...described } = data
  return { path: source.path ?? '.', ...described }
}

function evaluationConfig(job: Job): NonNullable<RuntimeConfig['evaluation']> {
  const { data, maxExamples, exclude, maxWaiting } = job.spec.evaluation as NonNullable<Job['spec']['evaluation']>
  return {
    data: dataConfig(data),
    metric: headlineMetric(job),
    batchSize: EVALUATION_BATCH,
    ...(maxExamples === undefined ? {} : { maxExamples }),
    ...(exclude === undefined ? {} : { exclude }),
    // Left out, so that pods of an earlier version do not seem to have another plan.
    ...(maxWaiting === DEFAULT_MAX_WAITING ? {} : { maxWaiting }),
  }
}

/** A job that starts from a checkpoint of another job has no configuration until its status names that checkpoint. */
export function isSourcePending(job: Job): boolean {
  return wantedSource(job)?.type === 'job' && !job.status?.source
}

function initOf(job: Job): RuntimeConfig['init'] {
  const wanted = wantedSource(job)
  if (!wanted) return { type: 'random' }
  const source = job.status?.source
  if (wanted.type === 'volume') return { type: 'folder', path: wanted.path, ...(source && { digest: source.digest }) }
  if (!source) throw new DownpourError('BUG_NO_SOURCE', `${job.metadata.name}: planned before its source was resolved`)
  return { type: 'checkpoint', path: source.path, digest: source.digest }
}
