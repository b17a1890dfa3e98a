/** Reads arguments and environment of a runtime process. They are checked here and trusted everywhere else. */
import type { z } from 'zod'
import { DownpourError } from '../support/errors.ts'
import {
  ARGS,
  DEFAULT_TERMINATION_LOG,
  ENV,
  FOLDER_ENV,
  MOUNTS,
  type Mount,
  type PlaceArgs,
  type PodIdentity,
  RuntimeConfig,
} from './runtime.ts'

type Environment = Readonly<Record<string, string | undefined>>

/** @throws DownpourError CONFIG_INVALID with the field, its value and what was expected. */
export function parseRuntimeConfig(environment: Environment): RuntimeConfig {
  const text = environment[ENV.config]
  if (!text) throw invalid(ENV.config, text, 'the JSON of a RuntimeConfig; the operator sets it')
  const raw = parseJson(text)
  const parsed = RuntimeConfig.safeParse(raw)
  if (!parsed.success) throw zodError(parsed.error, raw)
  const { topology } = parsed.data
  if (topology.psHosts.length !== topology.parameterServers)
    throw invalid(`${ENV.config}: topology.psHosts`, topology.psHosts, `${topology.parameterServers} host names`)
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
  /** Address to listen on; undefined: all addresses, as in a container. */
  host: string | undefined
  hostsFile: string | undefined
  keyFile: string | undefined
  /** The resource of the GPU that the pod requests; undefined: none. */
  gpu: string | undefined
  /** A process of `downpour run`. */
  isLocal: boolean
  terminationLog: string
  logLevel: string
  /** Pictures that are decoded at the same time; undefined: two for each CPU. */
  decoders: number | undefined
}

/** Never throws: a process needs these to report any other error. */
export function readSurroundings(environment: Environment): Surroundings {
  return {
    host: environment[ENV.podIp] || undefined,
    hostsFile: environment[ENV.hostsFile],
    keyFile: environment[ENV.keyFile],
    gpu: environment[ENV.gpu] || undefined,
    isLocal: Boolean(environment[ENV.stateDir]),
    terminationLog: environment[ENV.terminationLog] || DEFAULT_TERMINATION_LOG,
    logLevel: environment[ENV.logLevel] || 'info',
    decoders: /^[1-9]\d{0,3}$/.test(environment[ENV.decoders] ?? '') ? Number(environment[ENV.decoders]) : undefined,
  }
}

/** The folder of a claim. */
export function claimFolder(mount: Mount, environment: Environment): string {
  return environment[FOLDER_ENV[mount]] || MOUNTS[mount]
}

function wholeNumber(name: string, text: string | undefined): number {
  if (/^\d{1,9}$/.test(text ?? '')) return Number(text)
  throw invalid(name, text, 'a whole number; the operator sets it')
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
  return invalid(`${ENV.config}: ${path.join('.') || '(root)'}`, value, issue?.message ?? 'another value')
}

function invalid(field: string, value: unknown, expected: string): DownpourError {
  const shown = value === undefined ? 'nothing' : JSON.stringify(value).slice(0, 200)
  return new DownpourError('CONFIG_INVALID', `${field}: got ${shown}, expected ${expected}`, { field })
}
