/** `downpour status`: prints the table of `downpour run` once, for the run of a state folder or for a cluster. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Command } from 'commander'
import type { Job } from '../../api/job.ts'
import { SHORT_NAMES } from '../../contract/names.ts'
import { KubeClient } from '../../kube/client.ts'
import { KubeError } from '../../kube/errors.ts'
import { DownpourError } from '../../support/errors.ts'
import { createLog } from '../../support/log.ts'
import { printableText } from '../../support/printable.ts'
import { firstWeightsTable } from '../first-weights.ts'
import { type CliIo, exitWith, processIo } from '../io.ts'
import { progressTable } from '../progress.ts'
import { byCreation, listJobs } from '../stored-jobs.ts'
import { waitingOf } from '../waiting.ts'

interface StatusOptions {
  stateDir: string
  kubeconfig?: string
  namespace?: string
  json?: boolean
}

/** Only one retry, because a user waits for the answer. */
const RETRY = { attempts: 2 }
const TIMEOUT_MS = 10_000

export function register(command: Command): void {
  command
    .argument('[jobs...]', 'names of jobs, or KIND/NAME such as pj/jft (default: all)')
    .option('--state-dir <dir>', 'state folder of a local run', '.downpour')
    .option('--kubeconfig <file>', 'kubeconfig of a cluster (default: that of the local run, then as kubectl)')
    .option('--namespace <name>', 'show only jobs in this namespace (default: all)')
    .option('--json', 'print one JSON object instead of a table: { jobs }')
    .action((names: string[], options: StatusOptions) => exitWith(showStatus(names, options, processIo())))
}

/**
 * @param names of jobs, in any form of isNamed; empty: all jobs
 * @returns the exit code: 1 if a named job does not exist
 * @throws DownpourError API_UNREACHABLE, API_REFUSED
 */
export async function showStatus(names: readonly string[], options: StatusOptions, io: CliIo): Promise<number> {
  const jobs = (await readJobs(options)).sort(byCreation)
  const missing = names.filter((name) => !jobs.some((job) => isNamed(job, name)))
  const shown = names.length === 0 ? jobs : jobs.filter((job) => names.some((name) => isNamed(job, name)))
  if (options.json) io.out.write(`${JSON.stringify({ jobs: shown.map(factsOf) }, null, 2)}\n`)
  else if (shown.length > 0) for (const line of tablesOf(shown, io.out)) io.out.write(`${printableText(line)}\n`)
  else if (missing.length === 0) io.err.write('no jobs\n')
  for (const name of missing) io.err.write(`JOB_NOT_FOUND: ${printableText(name)}: no such job\n`)
  return missing.length > 0 ? 1 : 0
}

function tablesOf(jobs: readonly Job[], out: CliIo['out']): string[] {
  const weights = firstWeightsTable(jobs, out.isTTY ? out.columns : undefined)
  return [...progressTable(jobs, out), ...(weights.length > 0 ? ['', ...weights] : [])]
}

async function readJobs({ stateDir, kubeconfig, namespace }: StatusOptions): Promise<Job[]> {
  const ofRun = join(stateDir, 'kubeconfig')
  const kubeConfig = kubeconfig ?? (existsSync(ofRun) ? ofRun : undefined)
  const log = createLog({ process: 'status' }, 'error')
  const client = new KubeClient({ kubeConfig, log, retry: RETRY, timeoutMs: TIMEOUT_MS })
  try {
    return await listJobs(client, {}, namespace)
  } catch (error) {
    if (!(error instanceof KubeError)) throw error
    throw kubeConfig === ofRun && error.serverText === undefined ? noRun(stateDir, error) : apiError(error)
  } finally {
    await client.close()
  }
}

/** The kubeconfig stays in the state folder after the run has ended, so a refused connection means that no run is active. */
function noRun(stateDir: string, cause: KubeError): DownpourError {
  const advice = `${join(stateDir, 'results.json')} has the jobs of the last run; for a cluster, pass --kubeconfig`
  return new DownpourError('API_UNREACHABLE', `no run is active in ${stateDir}; ${advice}`, { stateDir }, { cause })
}

function apiError(cause: KubeError): DownpourError {
  const code = cause.serverText === undefined ? 'API_UNREACHABLE' : 'API_REFUSED'
  return new DownpourError(code, cause.message, {}, { cause })
}

/** @param name `jft`, `pj/jft` or `PretrainJob/jft` */
function isNamed({ kind, metadata }: Job, name: string): boolean {
  return [metadata.name, `${kind}/${metadata.name}`, `${SHORT_NAMES[kind]}/${metadata.name}`].includes(name)
}

/** A job of the output of `--json`; unknown values are absent. docs/cli.md describes it. */
function factsOf(job: Job) {
  const { kind, metadata, status } = job
  const { progress, replicas } = status ?? {}
  const waiting = waitingOf(job)
  return {
    kind,
    name: metadata.name,
    namespace: metadata.namespace,
    phase: status?.phase ?? 'Pending',
    step: progress?.step,
    maxSteps: progress?.maxSteps ?? job.spec.maxSteps,
    loss: progress?.loss,
    examplesPerSecond: progress?.examplesPerSecond,
    etaSeconds: progress?.etaSeconds,
    workers: replicas && { ready: replicas.worker.ready, desired: replicas.worker.desired },
    results: status?.results,
    evaluation: status?.evaluation,
    source: status?.source,
    init: status?.init,
    lineage: status?.lineage,
    waiting: waiting && { reason: waiting.key, message: waiting.text },
  }
}
