/** A forecast as tables and sentences for a terminal. */

import { SHORT_NAMES } from '../../contract/names.ts'
import { perPodOf } from '../../plan/replicas.ts'
import { type LimitName, mainLimit } from '../../simulate/forecast.ts'
import { totalBytes } from '../../simulate/memory.ts'
import { counted } from '../../support/counted.ts'
import { duration } from '../progress.ts'
import { sizeText } from '../size-text.ts'
import { type Row, table } from '../table.ts'
import type { JobForecast } from './forecast-job.ts'
import type { CostSource } from './read-machine.ts'

const LIMIT_TEXTS: Readonly<Record<LimitName, string>> = {
  compute: 'compute of the workers',
  input: 'input of the workers',
  serverThread: 'parameter server CPU',
  workerThread: 'worker CPU for the exchange',
  network: 'network',
  disk: 'disk of the checkpoints',
}
const SECONDS_OF_A_DAY = 86_400
/** From here on, hours say less than days. */
const LONG_SECONDS = 4 * SECONDS_OF_A_DAY

export function forecastLines(one: JobForecast): string[] {
  const { job, notes } = one
  const { workers, parameterServer, batchSize, model } = job.spec
  const processes = perPodOf(job) === 1 ? '' : ` of ${perPodOf(job)} processes`
  const pods = `${counted(workers.replicas, 'worker')}${processes}, ${counted(parameterServer.replicas, 'parameter server')}`
  return [
    `${SHORT_NAMES[job.kind]}/${job.metadata.name}: ${job.spec.task.type} on ${model.backbone}, ${pods}, ${counted(batchSize, 'image')} a step`,
    ...notes.map((note) => `note: ${note}`),
    '',
    ...table([['FIGURE', 'VALUE'], ...figureRows(one)]),
    '',
    ...table([['RESOURCE', 'BUSY', 'STEPS/S IF TWICE AS FAST'], ...limitRows(one)]),
    '',
    ...verdictLines(one),
  ]
}

function figureRows({ forecast, compute, memory, model, imagesPerSecond, job }: JobForecast): Row[] {
  const { outcome, checkpoint } = forecast
  const { step, staleness } = outcome
  const parts = [`compute ${seconds(step.compute)}`, `pull ${seconds(step.pull)}`, `push ${seconds(step.push)}`]
  const { most, least } = model.shardBytes
  return [
    ['steps a second', figure(forecast.stepsPerSecond)],
    ['images a second', figure(imagesPerSecond)],
    [`time to ${job.spec.maxSteps} steps`, timeText(forecast.secondsToEnd)],
    ['a step of a worker', `${parts.join(', ')}, input ${seconds(step.input)}`],
    ['compute', `${seconds(compute.mean)} a step: ${compute.from}`],
    ['staleness', `mean ${figure(staleness.mean)}, p99 ${staleness.p99}`],
    ...(outcome.refusedShare > 0 ? [['refused as too stale', percent(outcome.refusedShare)]] : []),
    ['exchanged by a parameter server', `${figure(forecast.serverBytesPerSecond / 1e9)} GB/s`],
    [
      'weights',
      `${sizeText(model.weightBytes)}, ${figure(model.trainableValues / 1e6)} M trained; a parameter server stores ${sizeRange(least, most)}`,
    ],
    ['memory of a parameter server', memoryText(memory.server)],
    ['memory of a worker', memoryText(memory.worker)],
    ['checkpoint', `${sizeText(model.checkpointBytes)}${checkpointText(checkpoint)}`],
  ]
}

function limitRows({ forecast }: JobForecast): Row[] {
  return forecast.limits.map(({ name, busy, gainIfTwiceAsFast }) => [
    LIMIT_TEXTS[name],
    percent(busy),
    gain(gainIfTwiceAsFast),
  ])
}

function verdictLines({ forecast }: JobForecast): string[] {
  const { name, busy } = mainLimit(forecast)
  const { worker, parameterServer } = forecast.oneMore
  return [
    `limited by: ${LIMIT_TEXTS[name]} (${percent(busy)} busy)`,
    `one more parameter server: ${gain(parameterServer)} steps/s; one more worker: ${gain(worker)} steps/s`,
  ]
}

/** The costs that the forecasts are computed with. */
export function costLines(sources: readonly CostSource[]): string[] {
  const rows = sources.map(({ path, value, from }) => [path, String(value), from])
  return table([['COST', 'VALUE', 'FROM'], ...rows])
}

function checkpointText({
  everySeconds,
  seconds: written,
  lostSeconds,
}: JobForecast['forecast']['checkpoint']): string {
  if (everySeconds === Number.POSITIVE_INFINITY) return ', only at the end'
  return ` every ${timeText(everySeconds)}: written in ${seconds(written)}, costs ${seconds(lostSeconds)} of training`
}

function memoryText(parts: Readonly<Record<string, number>>): string {
  const named = Object.entries(parts).filter(([, bytes]) => bytes > 0)
  return `${sizeText(totalBytes(parts))} (${named.map(([name, bytes]) => `${name} ${sizeText(bytes)}`).join(', ')})`
}

function sizeRange(least: number, most: number): string {
  return least === most ? sizeText(most) : `${sizeText(least)} to ${sizeText(most)}`
}

function timeText(value: number): string {
  return value >= LONG_SECONDS ? `${Math.round(value / SECONDS_OF_A_DAY)} days` : duration(value)
}

/** To three digits, without an exponent. */
function figure(value: number): string {
  return value >= 1000 ? String(Math.round(value)) : String(Number(value.toPrecision(3)))
}

function seconds(value: number): string {
  return value >= 0.1 || value === 0 ? `${figure(value)} s` : `${figure(1000 * value)} ms`
}

function percent(share: number): string {
  return `${Math.round(100 * share)}%`
}

function gain(share: number): string {
  const whole = Math.round(100 * share)
  return whole < 0 ? `${whole}%` : `+${whole}%`
}
