/** `downpour render --summary`: the number of a job's pods, and the sum of their resource requests. */
import type { Job } from '../api/job.ts'
import { LABELS, ROLES, type Role } from '../contract/names.ts'
import { perPodOf } from '../plan/replicas.ts'
import type { PlannedPod } from '../plan/types.ts'
import { formatQuantity, parseQuantity } from './quantities.ts'

type Quantities = Readonly<Record<string, string | number>>

export function summaryLines({
  job,
  pods,
  notes,
}: {
  job: Job
  pods: readonly PlannedPod[]
  notes: readonly string[]
}): string {
  const { type, ...options } = job.spec.task
  const { batchSize, maxSteps, workers, model } = job.spec
  const processes = perPodOf(job)
  const examples = processes * batchSize
  const places = processes === 1 ? '' : ` of ${processes} processes`
  const variant = model.variant === undefined ? '' : ` (${model.variant})`
  const lines = [
    `${job.kind}/${job.metadata.name}: 1 service, ${pods.length} pods`,
    `  task       ${type} on ${model.backbone}${variant}${Object.entries(options)
      .map(([name, value]) => `, ${name} ${value}`)
      .join('')}`,
    `  training   ${maxSteps} global steps of ${examples} examples (${maxSteps * examples} examples), on ${workers.replicas} worker${workers.replicas === 1 ? '' : 's'}${places}`,
    ...ROLES.flatMap((role) => roleLine(role, ofRole(pods, role))),
    ...notes.map((note) => `  note       ${note}`),
  ]
  return `${lines.join('\n')}\n`
}

function ofRole(pods: readonly PlannedPod[], role: Role): PlannedPod[] {
  return pods.filter(({ metadata }) => metadata.labels[LABELS.role] === role)
}

function roleLine(role: Role, pods: readonly PlannedPod[]): string[] {
  if (pods.length === 0) return []
  const totals = new Map<string, number>()
  for (const [resource, quantity] of pods.flatMap(requestsOf)) {
    totals.set(resource, (totals.get(resource) ?? 0) + parseQuantity(quantity))
  }
  const asked = [...totals].map(([resource, amount]) => `${resource} ${formatQuantity(resource, amount)}`)
  return [
    `  ${role.padEnd(10)} ${pods.length} pod${pods.length === 1 ? '' : 's'}, requests ${asked.join(', ') || 'nothing'}`,
  ]
}

/** Kubernetes copies a limit into an absent request; GPUs are usually given as a limit only. */
function requestsOf({ spec }: PlannedPod): [string, string | number][] {
  const { requests, limits } = (spec.containers[0]?.resources ?? {}) as { requests?: Quantities; limits?: Quantities }
  return Object.entries({ ...limits, ...requests })
}
