/** `downpour plan`: what a job will do on a machine, and what limits it, by simulation. It starts nothing. */
import type { Command } from 'commander'
import { JOB_KINDS } from '../../contract/names.ts'
import { mainLimit } from '../../simulate/forecast.ts'
import { totalBytes } from '../../simulate/memory.ts'
import { printableText } from '../../support/printable.ts'
import { type CliIo, exitWith, processIo } from '../io.ts'
import { readManifests } from '../manifests.ts'
import { forecastJob, type JobForecast } from '../plan/forecast-job.ts'
import { costLines, forecastLines } from '../plan/forecast-text.ts'
import { readMachine } from '../plan/read-machine.ts'
import { checkJobs } from '../run/check-manifests.ts'
import { unsavedJob } from '../unsaved-job.ts'

interface PlanOptions {
  machine?: string
  json?: boolean
}

const HELP = `
The simulator and the description of a machine are described in docs/plan.md. Costs that the description leaves out were
measured by \`npm run bench:workers\` on one machine; the last table shows each cost and where it comes from.

Example of a description:
  compute: { secondsPerStep: 0.35 }
  network: { bytesPerSecond: 1.25e9, latencySeconds: 1.0e-4 }
`

export function register(command: Command): void {
  command
    .argument('<files...>', "YAML files with jobs; '-' is standard input")
    .option('--machine <file>', 'YAML file with measured costs of the machine (default: those of a benchmark)')
    .option('--json', 'print one JSON object instead of tables: { costs, jobs }')
    .addHelpText('after', HELP)
    .action((files: string[], options: PlanOptions) => exitWith(planFiles(files, options, processIo())))
}

/**
 * @returns the exit code
 * @throws DownpourError INVALID_JOB, NO_JOB, MACHINE_INVALID, COMPUTE_UNKNOWN, and the errors of readManifests
 */
export async function planFiles(
  files: readonly string[],
  options: PlanOptions,
  { out }: Pick<CliIo, 'out'>,
): Promise<number> {
  const machine = await readMachine(options.machine)
  const manifests = await readManifests(files)
  checkJobs(manifests)
  const jobs = manifests.filter(({ object }) => JOB_KINDS.some((kind) => kind === object.kind))
  const forecasts: JobForecast[] = []
  for (const { object } of jobs) {
    const one = await forecastJob(unsavedJob(object), machine)
    forecasts.push(one)
    if (!options.json) for (const line of [...forecastLines(one), '']) out.write(`${printableText(line)}\n`)
  }
  if (options.json) out.write(`${JSON.stringify({ costs: machine.sources, jobs: forecasts.map(reportOf) }, null, 2)}\n`)
  else for (const line of costLines(machine.sources)) out.write(`${printableText(line)}\n`)
  return 0
}

function reportOf({ job, forecast, compute, memory, model, imagesPerSecond, notes }: JobForecast) {
  const { stepsPerSecond, outcome, checkpoint, serverBytesPerSecond, limits, oneMore, secondsToEnd } = forecast
  const { kind, metadata } = job
  const isSaving = checkpoint.everySeconds !== Number.POSITIVE_INFINITY
  return {
    kind,
    name: metadata.name,
    stepsPerSecond,
    imagesPerSecond,
    secondsToEnd,
    staleness: outcome.staleness,
    refusedShare: outcome.refusedShare,
    stepSeconds: outcome.step,
    compute,
    serverBytesPerSecond,
    limits,
    limitedBy: mainLimit(forecast).name,
    oneMore,
    memory: {
      worker: { total: totalBytes(memory.worker), ...memory.worker },
      parameterServer: { total: totalBytes(memory.server), ...memory.server },
    },
    model,
    checkpoint: { bytes: model.checkpointBytes, ...(isSaving ? checkpoint : {}) },
    notes,
  }
}
