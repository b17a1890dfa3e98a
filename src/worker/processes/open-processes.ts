/** A source of steps that are computed by several processes of the pod, each on a batch of its own. */
import { type Clock, systemClock } from '../../support/clock.ts'
import { sizeOf } from '../../support/variables.ts'
import type { LayoutEntry, ShardLayout } from '../../wire/layout.ts'
import { pushedOf } from '../buffers.ts'
import type { CalibratingSource, OpenSource, SourceStats, StepSum, Values } from '../step-source.ts'
import type { Launch } from './compute-process.ts'
import type { Answers, ComputedStep, OpenFacts } from './messages.ts'
import { ProcessGroup } from './process-group.ts'
import { SharedArrays } from './shared-arrays.ts'

export interface ProcessesOptions {
  processes: number
  launchOf: (process: number) => Launch
  /** Of a file system in memory. */
  folder: string
  /** The layout of the model on a single shard. */
  whole: ShardLayout
  /** Called after each step with the longest wait of a process for its batch. */
  onWaited: (seconds: number) => void
  signal: AbortSignal
  /** Absent: that of the machine. */
  clock?: Clock
}

interface Computing extends Pick<ProcessesOptions, 'whole' | 'onWaited'> {
  group: ProcessGroup
  shared: SharedArrays
}

/** @throws the error of a process, DownpourError SHARED_MEMORY_FULL; AbortError */
export async function openProcesses(options: ProcessesOptions): Promise<OpenSource> {
  const { processes, launchOf, folder, whole, signal, clock = systemClock } = options
  const shared = SharedArrays.create(folder, whole, processes)
  const launches = Array.from({ length: processes }, (_, process) => ({ ...launchOf(process), sharedFd: shared.fd }))
  const group = new ProcessGroup({ launches, signal, clock })
  let closed: Promise<void> | undefined
  const close = () => (closed ??= group.close().then(() => shared.close()))
  try {
    return { ...(await openedBy({ ...options, group, shared })), close }
  } catch (error) {
    await close()
    throw error
  }
}

async function openedBy(computing: Computing): Promise<Omit<OpenSource, 'close'>> {
  const { group } = computing
  const opened = await group.opened()
  // All have opened the same data set, with the same library.
  const [first] = opened as [OpenFacts]
  return {
    ...first,
    signal: group.signal,
    start(leases, { classes, calibrationImages = 0 }) {
      const imagesOf = (process: number) => (process === 0 ? calibrationImages : 0)
      const starts = opened.map((_, i) => ({ type: 'start', classes, calibrationImages: imagesOf(i) }) as const)
      group.start(leases, starts)
      return sourceOf(computing)
    },
  }
}

function sourceOf({ group, shared, whole, onWaited }: Computing): CalibratingSource {
  let isFresh = false
  let stats: SourceStats = { corruptRecords: 0, queuedBatches: 0 }
  return {
    load(weights) {
      shared.writeWeights(weights)
      isFresh = true
    },
    async measure(weights) {
      shared.writeWeights(weights)
      return (await group.askFirst({ type: 'measure' })).statistics
    },
    async next(into) {
      const answers = await group.ask({ type: 'step', isFresh })
      isFresh = false
      stats = statsOf(answers)
      const steps = answers.flatMap(({ step }) => step ?? [])
      // The job is done: the parameter servers have no more leases.
      if (steps.length < answers.length) return null
      onWaited(Math.max(...steps.map(({ waitedSeconds }) => waitedSeconds)))
      const finite = [...steps.keys()].filter((process) => steps[process]?.finite)
      if (finite.length > 1) await group.ask({ type: 'add', of: finite })
      return { ...combined(steps), ...sumIn(shared, whole, finite[0], into) }
    },
    stats: () => stats,
  }
}

function statsOf(answers: readonly Answers['step'][]): SourceStats {
  const sum = (name: keyof SourceStats) => answers.reduce((all, { stats }) => all + (stats[name] ?? 0), 0)
  return {
    corruptRecords: sum('corruptRecords'),
    queuedBatches: sum('queuedBatches'),
    otherRssBytes: sum('otherRssBytes'),
  }
}

/** Of the steps with a finite gradient, if there are any. */
function combined(steps: readonly ComputedStep[]): Omit<StepSum, 'gradients' | 'statistics'> {
  const finite = steps.filter((step) => step.finite)
  const counted = finite.length > 0 ? finite : steps
  const mean = (figureOf: (step: ComputedStep) => number) =>
    counted.reduce((sum, step) => sum + figureOf(step), 0) / counted.length
  const parts = Object.keys(counted[0]?.parts ?? {})
  return {
    loss: mean(({ loss }) => loss),
    parts: Object.fromEntries(parts.map((name) => [name, mean((step) => step.parts[name] ?? 0)])),
    examples: counted.reduce((sum, { examples }) => sum + examples, 0),
    seconds: Math.max(...steps.map(({ seconds }) => seconds)),
    batches: finite.length,
    nonFinite: steps.length - finite.length,
  }
}

/** @param process that has the sum; undefined: no gradient is finite */
function sumIn(shared: SharedArrays, whole: ShardLayout, process: number | undefined, into: Values = new Map()) {
  const ofKind = (wanted: LayoutEntry['kind']) => pushedOf(whole).filter(({ kind }) => kind === wanted)
  const place = ({ name, shape }: LayoutEntry) => into.get(name) ?? new Float32Array(sizeOf(shape))
  const placesOf = (entries: readonly LayoutEntry[]) => new Map(entries.map((entry) => [entry.name, place(entry)]))
  if (process === undefined) return { gradients: new Map(), statistics: new Map() }
  const [gradients, statistics] = [placesOf(ofKind('trainable')), placesOf(ofKind('statistic'))]
  shared.readGradient(process, new Map([...gradients, ...statistics]))
  return { gradients, statistics }
}
