/** A source of steps in this process: opens the data set, and selects the library that computes. */
import { mustUseGpu } from '../contract/gpu.ts'
import type { RuntimeConfig } from '../contract/runtime.ts'
import { FORMATS } from '../data/formats.ts'
import { logPassedOver } from '../data/scan/log-passed-over.ts'
import { openLoader } from '../input/loader.ts'
import type { Log } from '../support/log.ts'
import { createTask } from '../tasks/registry.ts'
import { selectBackend } from '../tensor/backend.ts'
import { measureStatistics } from './calibrate.ts'
import { createStepper } from './step.ts'
import { type OpenSource, type SingleOptions, singleSteps } from './step-source.ts'

export interface SinglePlace extends Pick<SingleOptions, 'timed'> {
  config: RuntimeConfig
  dataDir: string
  /** Whether this process checks for all others of the job that there is something to learn, and all shards. */
  isChecking: boolean
  /** Pictures that are decoded at the same time; undefined: one for each CPU. */
  decoders: number | undefined
  /** The resource of the GPU that the process must compute on; undefined: none. */
  gpu: string | undefined
  /** Called with the library that computes, before the data set is opened. */
  onBackend?: (name: string) => void
  /** The cache root, where native TensorFlow may be. */
  cache: string
  signal: AbortSignal
  log: Log
}

/** @throws DownpourError BACKEND_UNAVAILABLE, GPU_UNAVAILABLE, DATA_…, BAD_DATA, LABELS_…; AbortError */
export async function openSingle(place: SinglePlace): Promise<OpenSource> {
  const { config, log } = place
  const backend = await selectBackend(config.runtime.backend, log, place.cache)
  mustUseGpu(place.gpu, backend)
  place.onBackend?.(backend.name)
  const task = await createTask(config)
  const data = await openData(place)
  logPassedOver(data.facts.passedOver, log)
  return {
    facts: data.facts,
    backend: backend.name,
    signal: place.signal,
    start(leases, start) {
      const loader = data.start(leases, start)
      const stepper = createStepper(task, { graph: config.runtime.graph ?? 'auto', log })
      const images = start.calibrationImages ?? 0
      return {
        ...singleSteps({ loader, stepper, ...(place.timed && { timed: place.timed }) }),
        measure: (weights) => measureStatistics({ config, loader, images, log }, weights),
      }
    },
    close: () => data.close(),
  }
}

/** A picture that cannot be read is damage and does not end the job, so single files are not checked. */
function openData({ config, dataDir, isChecking, decoders, signal }: SinglePlace) {
  const { data, task, batchSize, seed, topology, perPod = 1 } = config
  const areUnitsChecked = isChecking && FORMATS[data.format].examplesAre === 'records'
  return openLoader({
    thread: new URL('./loader-thread.ts', import.meta.url),
    folder: dataDir,
    data,
    task,
    batchSize,
    seed,
    unitsToCheck: areUnitsChecked ? Number.POSITIVE_INFINITY : 0,
    isContentChecked: isChecking,
    workers: topology.workers * perPod,
    decoders,
    signal,
  })
}
