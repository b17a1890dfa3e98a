/** How a runtime process reads what it was told, and how it ends. Used by the main.ts files alone. */

import { ROLES } from './names.ts'
import { DEFAULT_TERMINATION_LOG, ENV, EXIT, type PodIdentity, type RuntimeConfig } from './runtime.ts'

export interface ProcessFacts {
  config: RuntimeConfig
  identity: PodIdentity
  /** Address to listen on. */
  host: string
  dirs: { data: string; evaluation: string; checkpoint: string; source: string | undefined }
  hostsFile: string | undefined
  terminationLog: string
  logLevel: string
}

export class ConfigError extends Error {
  readonly code = 'CONFIG_INVALID'
}

/** @throws ConfigError naming the variable */
export function readProcessFacts(env: Readonly<Record<string, string | undefined>>): ProcessFacts {
  const text = (name: string) => env[name] ?? fail(`${name} is not set: a pod of Downpour's operator has it`)
  const number = (name: string) =>
    /^\d+$/.test(text(name)) ? Number(text(name)) : fail(`${name}: ${text(name)}: expected a whole number`)
  const role =
    ROLES.find((known) => known === text(ENV.role)) ??
    fail(`${ENV.role}: ${text(ENV.role)}: expected ${ROLES.join(', ')}`)
  return {
    config: parseConfig(text(ENV.config)),
    identity: { role, index: number(ENV.index), attempt: number(ENV.attempt), podUid: text(ENV.podUid) },
    host: env[ENV.podIp] ?? '0.0.0.0',
    dirs: {
      data: env[ENV.dataDir] ?? '',
      evaluation: env[ENV.evaluationDir] ?? '',
      checkpoint: env[ENV.checkpointDir] ?? '',
      source: env[ENV.sourceDir],
    },
    hostsFile: env[ENV.hostsFile],
    terminationLog: env[ENV.terminationLog] ?? DEFAULT_TERMINATION_LOG,
    logLevel: env[ENV.logLevel] ?? 'info',
  }
}

function parseConfig(json: string): RuntimeConfig {
  try {
    const config = JSON.parse(json) as RuntimeConfig
    if (config.formatVersion === 1) return config
    return fail(
      `${ENV.config}: formatVersion ${config.formatVersion}: this image reads 1; use one version of Downpour for operator and pods`,
    )
  } catch (error) {
    if (error instanceof ConfigError) throw error
    return fail(`${ENV.config}: not JSON: ${(error as Error).message}`)
  }
}

function fail(message: string): never {
  throw new ConfigError(message)
}

/** Which exit code an error's code stands for; what is not listed is a crash. */
const EXIT_OF_CODE: readonly [RegExp, number][] = [
  [/^(CONFIG_INVALID|BACKEND_UNAVAILABLE|PORT_TAKEN|BAD_CONFIG)$/, EXIT.badConfig],
  [/^(DATA_|BAD_DATA|LABEL)/, EXIT.badData],
  [/^NON_FINITE/, EXIT.nonFinite],
  [/^CHECKPOINT_FAILED$/, EXIT.storage],
  [/^CHECKPOINT_/, EXIT.badCheckpoint],
  [/^(LAYOUT_|WRONG_JOB)/, EXIT.layoutMismatch],
  [/^FENCED$/, EXIT.fenced],
  [/^(ENOSPC|EIO|EROFS|EDQUOT)$/, EXIT.storage],
]

export function exitCodeOf(errorCode: string): number {
  return EXIT_OF_CODE.find(([pattern]) => pattern.test(errorCode))?.[1] ?? EXIT.crash
}

const MAX_WORDS_BYTES = 4096

/** A status as last words: lists are cut until it fits the termination log. */
export function lastWordsOf(status: Record<string, unknown>): string {
  const whole = JSON.stringify(status)
  if (Buffer.byteLength(whole) <= MAX_WORDS_BYTES) return whole
  const lists = Object.entries(status).filter(([, value]) => Array.isArray(value) && value.length > 1) as [
    string,
    unknown[],
  ][]
  if (lists.length === 0) return whole.slice(0, MAX_WORDS_BYTES)
  const shorter = Object.fromEntries(lists.map(([key, list]) => [key, list.slice(0, Math.ceil(list.length / 2))]))
  return lastWordsOf({ ...status, ...shorter })
}
