/** `downpour render`: prints the objects that the operator would create for a job. It contacts no API server. */
import type { Command } from 'commander'
import { dump } from 'js-yaml'
import { type Job, wantedSource } from '../../api/job.ts'
import type { JobStatus } from '../../api/status.ts'
import { API_VERSION, JOB_KINDS, ROLES } from '../../contract/names.ts'
import { type JobPlan, planJob } from '../../plan/job-plan.ts'
import { checkpointPath } from '../../plan/runtime-config.ts'
import type { PlannedPod } from '../../plan/types.ts'
import { DEFAULT_IMAGE } from '../default-image.ts'
import { type CliIo, exitWith, processIo } from '../io.ts'
import { type Manifest, readManifests } from '../manifests.ts'
import { summaryLines } from '../render-summary.ts'
import { PLACEHOLDER_METADATA, unsavedJob } from '../unsaved-job.ts'

const UNKNOWN_CLAIM = 'claim-of-the-source-job'
const UNKNOWN_DIGEST = '0'.repeat(64)

interface Rendered {
  job: Job
  file: string
  plan: JobPlan
  pods: PlannedPod[]
  /** Sentences about values that are not known before the job starts. */
  notes: string[]
}

export function register(command: Command): void {
  command
    .argument('<files...>', "YAML files; '-' is standard input")
    .option('--summary', 'print only the number of pods and the sum of their resource requests')
    .action((files: string[], options) => exitWith(renderFiles(files, processIo(), options)))
}

/**
 * @returns the exit code
 * @throws DownpourError INVALID_JOB, and the errors of readManifests
 */
export async function renderFiles(
  files: readonly string[],
  io: CliIo,
  { summary = false }: { summary?: boolean } = {},
): Promise<number> {
  const rendered = renderJobs(await readManifests(files))
  if (rendered.length === 0) {
    io.err.write(`no ${JOB_KINDS.join(' or ')} in ${files.join(', ')}\n`)
    return 1
  }
  for (const one of rendered) io.out.write(summary ? summaryLines(one) : documentsOf(one))
  return 0
}

function renderJobs(manifests: readonly Manifest[]): Rendered[] {
  const jobs = manifests
    .filter(({ object }) => JOB_KINDS.some((kind) => kind === object.kind))
    .map(({ file, object }) => ({ file, job: unsavedJob(object) }))
  const all = jobs.map(({ job }) => job)
  return jobs.map(({ file, job }) => {
    const { job: planned, notes } = withSource(job, all)
    const plan = planJob(planned, { defaultImage: DEFAULT_IMAGE })
    const pods = ROLES.flatMap((role) =>
      Array.from({ length: plan.desired[role] }, (_, index) => plan.pod(role, index, { attempt: 0, generation: 0 })),
    )
    return { job, file, plan, pods, notes }
  })
}

/** Adds a placeholder for the checkpoint that the operator would pin. Its claim and path are real if the source is in `all`. */
function withSource(job: Job, all: readonly Job[]): { job: Job; notes: string[] } {
  const from = wantedSource(job)
  if (!from) return { job, notes: [] }
  if (from.type === 'volume') {
    const where = `folder ${from.path} of claim ${from.claimName}`
    return {
      job,
      notes: [`Parameter server 0 chooses the checkpoint when the job starts: the newest intact one in ${where}.`],
    }
  }
  const { pretrainJob, step = 0 } = from
  const known = all.find(
    ({ kind, metadata }) =>
      kind === 'PretrainJob' && metadata.name === pretrainJob && metadata.namespace === job.metadata.namespace,
  )
  const source = {
    pretrainJob,
    uid: PLACEHOLDER_METADATA.uid,
    step,
    digest: UNKNOWN_DIGEST,
    path: known ? checkpointPath(known) : pretrainJob,
    claimName: known?.spec.checkpoint.storage.volume.claimName ?? UNKNOWN_CLAIM,
  }
  const notes = [
    `The operator pins a checkpoint of PretrainJob/${pretrainJob} when the job starts: step, digest and folder are placeholders here.`,
    ...(known
      ? []
      : [`PretrainJob/${pretrainJob} is not in these files: ${UNKNOWN_CLAIM} is a placeholder for its claim.`]),
  ]
  return { job: { ...job, status: { source } as JobStatus }, notes }
}

function documentsOf({ job, file, plan, pods, notes }: Rendered): string {
  const { name, namespace } = job.metadata
  const head = [
    `${job.kind}/${name} from ${file}: the spec with its preset and defaults, then the objects that the operator creates.`,
    'The uid is a placeholder.',
    ...notes,
  ]
  const resolved = { apiVersion: API_VERSION, kind: job.kind, metadata: { name, namespace }, spec: job.spec }
  return [
    ...head.map((line) => `# ${line}\n`),
    ...[resolved, plan.service, ...(plan.podGroup ? [plan.podGroup] : []), ...pods].map(documentOf),
  ].join('')
}

function documentOf(object: unknown): string {
  return `---\n${dump(object, { noRefs: true, lineWidth: -1 })}`
}
