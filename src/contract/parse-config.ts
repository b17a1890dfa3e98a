/** What a runtime process is told, by arguments and environment: checked where it enters and trusted after. */
import { z } from 'zod'
import { DownpourError } from '../support/errors.ts'
import { JOB_KINDS } from './names.ts'
import {
  ARGS,
  DEFAULT_TERMINATION_LOG,
  ENV,
  FOLDER_ENV,
  MOUNTS,
  type Mount,
  type PlaceArgs,
  type PodIdentity,
  type RuntimeConfig,
} from './runtime.ts'

const count = z.int().min(0)
const positive = z.int().min(1)
const rate = z.number().gt(0)

const Data = z.strictObject({
  path: z.string(),
  format: z.enum(['tfrecord', 'imagenet-folder']),
  files: z.exactOptional(z.string()),
  labels: z.exactOptional(z.string()),
  subset: z.exactOptional(z.strictObject({ fraction: z.number().gt(0).lte(1), seed: count })),
  maxCorruptRecords: count,
})

const Optimizer = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('rmsprop'), decay: z.number(), momentum: z.number(), epsilon: rate }),
  z.strictObject({ type: z.literal('momentum'), momentum: z.number() }),
])

const LearningRate = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('constant'), initial: rate }),
  z.strictObject({
    type: z.literal('exponential'),
    initial: rate,
    factor: rate,
    everySteps: positive,
    staircase: z.boolean(),
  }),
  z.strictObject({ type: z.literal('piecewise'), boundaries: z.array(count), values: z.array(rate) }),
  z.strictObject({ type: z.literal('poly'), initial: rate, power: rate }),
])

const Async = z.strictObject({
  fetchEvery: positive,
  pushEvery: positive,
  policy: z.enum(['async', 'lrOverStaleness', 'dcAsgd']),
  maxStaleness: z.exactOptional(count),
  warmStartSteps: count,
  delayCompensation: z.number().min(0),
})

const Config = z.strictObject({
  formatVersion: z.literal(1),
  job: z.strictObject({ kind: z.enum(JOB_KINDS), namespace: z.string(), name: z.string(), uid: z.string() }),
  seed: count,
  task: z.string(),
  model: z.strictObject({ backbone: z.string(), classes: positive, headSlices: positive }),
  protocol: z.enum(['finetune', 'frozen']),
  data: Data,
  input: z.strictObject({ resizePixels: positive, cropPixels: positive, flip: z.boolean() }),
  batchSize: positive,
  maxSteps: positive,
  optimizer: Optimizer,
  learningRate: LearningRate,
  weightDecay: z.number().min(0),
  batchNorm: z.strictObject({ decay: z.number().gt(0).lt(1), epsilon: rate }),
  async: Async,
  topology: z.strictObject({
    parameterServers: positive,
    workers: positive,
    psHosts: z.array(z.string()).min(1),
  }),
  runtime: z.strictObject({ backend: z.enum(['auto', 'tensorflow', 'webgpu', 'wasm', 'cpu']) }),
  checkpoint: z.strictObject({
    path: z.string(),
    everySteps: z.exactOptional(positive),
    everySeconds: z.exactOptional(rate),
    keep: positive,
    keepBest: count,
    keepSteps: z.array(positive).max(256),
  }),
  init: z.discriminatedUnion('type', [
    z.strictObject({ type: z.literal('random') }),
    z.strictObject({ type: z.literal('checkpoint'), path: z.string(), digest: z.string() }),
  ]),
  evaluation: z.exactOptional(
    z.strictObject({
      data: Data,
      metric: z.strictObject({ name: z.string(), better: z.enum(['higher', 'lower']) }),
      maxExamples: z.exactOptional(positive),
      batchSize: positive,
    }),
  ),
  maxNonFinite: positive,
})

type Environment = Readonly<Record<string, string | undefined>>

/** @throws DownpourError CONFIG_INVALID with the field, its value and what was expected. */
export function parseRuntimeConfig(environment: Environment): RuntimeConfig {
  const text = environment[ENV.config]
  if (!text) throw invalid(ENV.config, text, 'the JSON of a RuntimeConfig; the operator sets it')
  const raw = parseJson(text)
  const parsed = Config.safeParse(raw)
  if (!parsed.success) throw zodError(parsed.error, raw)
  const { topology, input } = parsed.data
  if (topology.psHosts.length !== topology.parameterServers)
    throw invalid(`${ENV.config}: topology.psHosts`, topology.psHosts, `${topology.parameterServers} host names`)
  if (input.cropPixels > input.resizePixels)
    throw invalid(`${ENV.config}: input.cropPixels`, input.cropPixels, `at most resizePixels, ${input.resizePixels}`)
  return parsed.data
}

/** @throws DownpourError CONFIG_INVALID */
export function parseIdentity(args: PlaceArgs, environment: Environment): PodIdentity {
  const podUid = environment[ENV.podUid]
  if (!podUid) throw invalid(ENV.podUid, podUid, 'the uid of the pod, different for each start of a process')
  return {
    index: wholeNumber(ARGS.index, args.index),
    attempt: wholeNumber(ARGS.attempt, args.attempt),
    podUid,
  }
}

export interface Surroundings {
  /** Address to listen on; undefined: every one, as in a container. */
  host: string | undefined
  hostsFile: string | undefined
  keyFile: string | undefined
  /** A process of `downpour run`. */
  isLocal: boolean
  terminationLog: string
  logLevel: string
}

/** Where a process finds itself; each has a default, so it can end in order whatever else is wrong. */
export function readSurroundings(environment: Environment): Surroundings {
  return {
    host: environment[ENV.podIp] || undefined,
    hostsFile: environment[ENV.hostsFile],
    keyFile: environment[ENV.keyFile],
    isLocal: Boolean(environment[ENV.stateDir]),
    terminationLog: environment[ENV.terminationLog] || DEFAULT_TERMINATION_LOG,
    logLevel: environment[ENV.logLevel] || 'info',
  }
}

/** The folder of a claim. */
export function claimFolder(mount: Mount, environment: Environment): string {
  return environment[FOLDER_ENV[mount]] || MOUNTS[mount]
}

function wholeNumber(name: string, text: string | undefined): number {
  if (/^\d{1,9}$/.test(text ?? '')) return Number(text)
  throw invalid(name, text, 'a whole number; the operator tells it')
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw invalid(ENV.config, `${text.slice(0, 60)}…`, `JSON (${(error as Error).message})`)
  }
}

function zodError(error: z.ZodError, raw: unknown): DownpourError {
  const [issue] = error.issues
  const path = issue?.path ?? []
  const value = path.reduce<unknown>((at, key) => (at as Record<PropertyKey, unknown> | undefined)?.[key], raw)
  return invalid(`${ENV.config}: ${path.join('.') || 'the whole'}`, value, issue?.message ?? 'another value')
}

function invalid(field: string, value: unknown, expected: string): DownpourError {
  const shown = value === undefined ? 'nothing' : JSON.stringify(value).slice(0, 200)
  return new DownpourError('CONFIG_INVALID', `${field}: got ${shown}, expected ${expected}`, { field })
}
