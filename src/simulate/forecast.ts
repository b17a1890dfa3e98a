/** What a job will do on a machine, what limits it, and what more of each would give: each answer is a simulation. */
import type { JobSize } from './job-scenario.ts'
import type { Scenario, ServerWork } from './scenario.ts'
import { type Outcome, simulate } from './simulate.ts'

export interface ForecastOptions {
  scenarioOf: (size: JobSize) => Scenario
  size: JobSize
  /** Between checkpoints; both absent: none are saved. */
  checkpointEvery: { readonly steps?: number | undefined; readonly seconds?: number | undefined }
  maxSteps: number
  /** Steps that worker 0 trains alone. */
  warmStartSteps: number
}

export interface Forecast {
  /** Global steps, with the time that checkpoints cost. */
  readonly stepsPerSecond: number
  readonly outcome: Outcome
  readonly checkpoint: CheckpointCost
  /** Of the busiest parameter server, in both directions. */
  readonly serverBytesPerSecond: number
  readonly limits: readonly Limit[]
  /** Relative change of steps a second. */
  readonly oneMore: Readonly<Record<'worker' | 'parameterServer', number>>
  readonly secondsToEnd: number
}

export interface CheckpointCost {
  /** From its beginning until it is written. */
  readonly seconds: number
  /** Seconds of training that it costs. */
  readonly lostSeconds: number
  /** Seconds from one to the next. */
  readonly everySeconds: number
}

export type LimitName = 'compute' | 'input' | 'serverThread' | 'workerThread' | 'network' | 'disk'

export interface Limit {
  readonly name: LimitName
  /** Share of the time that it works; of several ones, the busiest. */
  readonly busy: number
  /** Relative change of steps a second if it were twice as fast. */
  readonly gainIfTwiceAsFast: number
}

type CheckpointEvery = ForecastOptions['checkpointEvery']

const TWICE_AS_FAST: Readonly<Record<LimitName, (scenario: Scenario) => Scenario>> = {
  compute: (scenario) => {
    const { computeSeconds } = scenario.worker
    return ofWorker(scenario, { computeSeconds: { ...computeSeconds, mean: computeSeconds.mean / 2 } })
  },
  input: (scenario) => ofWorker(scenario, { inputSeconds: scenario.worker.inputSeconds / 2 }),
  serverThread: (scenario) => ({ ...scenario, servers: scenario.servers.map(fasterServer) }),
  workerThread: (scenario) => {
    const { sendSecondsPerByte, receiveSecondsPerByte } = scenario.worker
    const faster = { sendSecondsPerByte: sendSecondsPerByte / 2, receiveSecondsPerByte: receiveSecondsPerByte / 2 }
    return ofWorker(scenario, faster)
  },
  network: (scenario) => {
    const { bytesPerSecond, latencySeconds } = scenario.network
    return { ...scenario, network: { bytesPerSecond: 2 * bytesPerSecond, latencySeconds: latencySeconds / 2 } }
  },
  disk: (scenario) => ({ ...scenario, diskBytesPerSecond: 2 * scenario.diskBytesPerSecond }),
}
export const LIMIT_NAMES = Object.keys(TWICE_AS_FAST) as LimitName[]

export function forecast(options: ForecastOptions): Forecast {
  const { scenarioOf, size, checkpointEvery } = options
  const scenario = scenarioOf(size)
  const { stepsPerSecond, outcome, checkpoint } = rateOf(scenario, checkpointEvery)
  const { serverReceives, serverSends } = outcome.busy
  const gain = (other: Scenario) => rateOf(other, checkpointEvery).stepsPerSecond / stepsPerSecond - 1
  const more = (change: Partial<JobSize>) => gain(scenarioOf({ ...size, ...change }))
  return {
    stepsPerSecond,
    outcome,
    checkpoint,
    serverBytesPerSecond: (serverReceives + serverSends) * scenario.network.bytesPerSecond,
    limits: LIMIT_NAMES.map((name) => ({
      name,
      busy: busyShare(name, scenario, outcome, checkpoint),
      gainIfTwiceAsFast: gain(TWICE_AS_FAST[name](scenario)),
    })),
    oneMore: {
      worker: more({ workers: size.workers + 1 }),
      parameterServer: more({ parameterServers: size.parameterServers + 1 }),
    },
    secondsToEnd: secondsToEnd(options, stepsPerSecond),
  }
}

/** What training gains most from. */
export function mainLimit({ limits }: Pick<Forecast, 'limits'>): Limit {
  return limits.reduce((most, limit) => (limit.gainIfTwiceAsFast > most.gainIfTwiceAsFast ? limit : most))
}

function rateOf(scenario: Scenario, every: CheckpointEvery) {
  const outcome = simulate(scenario)
  const checkpoint = checkpointCost(scenario, outcome, every)
  const { everySeconds, lostSeconds } = checkpoint
  const trainingShare = everySeconds === Number.POSITIVE_INFINITY ? 1 : everySeconds / (everySeconds + lostSeconds)
  return { outcome, checkpoint, stepsPerSecond: outcome.stepsPerSecond * trainingShare }
}

/** A checkpoint that would begin before the last one is written is left out, as the coordinator does. */
function checkpointCost(scenario: Scenario, { stepsPerSecond }: Outcome, every: CheckpointEvery): CheckpointCost {
  const wanted = every.steps === undefined ? every.seconds : every.steps / stepsPerSecond
  if (wanted === undefined) return { seconds: 0, lostSeconds: 0, everySeconds: Number.POSITIVE_INFINITY }
  const { seconds, steps, checkpointSeconds } = simulate(scenario, { withCheckpoint: true }).measured
  return {
    seconds: checkpointSeconds,
    lostSeconds: Math.max(0, seconds - steps / stepsPerSecond),
    everySeconds: Math.max(wanted, checkpointSeconds),
  }
}

function busyShare(name: LimitName, scenario: Scenario, { step, busy }: Outcome, checkpoint: CheckpointCost): number {
  const stepSeconds = step.pull + step.input + step.compute + step.push
  const { inputSeconds, fetchEvery, pushEvery, sendSecondsPerByte, receiveSecondsPerByte } = scenario.worker
  const sum = (bytes: 'pullBytes' | 'pushBytes') => scenario.servers.reduce((all, server) => all + server[bytes], 0)
  switch (name) {
    case 'compute':
      return step.compute / stepSeconds
    case 'input':
      return Math.min(1, inputSeconds / stepSeconds)
    case 'serverThread':
      return busy.serverThread
    case 'workerThread': {
      const received = (sum('pullBytes') * receiveSecondsPerByte) / fetchEvery
      const sent = (sum('pushBytes') * sendSecondsPerByte) / pushEvery
      return (received + sent) / stepSeconds
    }
    case 'network':
      return Math.max(busy.serverReceives, busy.serverSends, busy.workerReceives, busy.workerSends)
    case 'disk':
      return checkpoint.seconds / checkpoint.everySeconds
  }
}

function secondsToEnd({ scenarioOf, size, maxSteps, warmStartSteps }: ForecastOptions, stepsPerSecond: number) {
  const alone = Math.min(warmStartSteps, maxSteps)
  if (alone === 0) return maxSteps / stepsPerSecond
  const { stepsPerSecond: ofOne } = simulate(scenarioOf({ ...size, workers: 1 }))
  return alone / ofOne + (maxSteps - alone) / stepsPerSecond
}

function ofWorker(scenario: Scenario, change: Partial<Scenario['worker']>): Scenario {
  return { ...scenario, worker: { ...scenario.worker, ...change } }
}

function fasterServer({
  pullSeconds,
  unchangedSeconds,
  receiveSeconds,
  applySeconds,
  ...server
}: ServerWork): ServerWork {
  const { bytes, copySeconds, hashSecondsPerByte } = server.checkpoint
  return {
    ...server,
    pullSeconds: pullSeconds / 2,
    unchangedSeconds: unchangedSeconds / 2,
    receiveSeconds: receiveSeconds / 2,
    applySeconds: applySeconds / 2,
    checkpoint: { bytes, copySeconds: copySeconds / 2, hashSecondsPerByte: hashSecondsPerByte / 2 },
  }
}
