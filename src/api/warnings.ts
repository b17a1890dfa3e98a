/** Warnings about jobs that are valid but probably not intended. */
import { isDeepStrictEqual } from 'node:util'
import { FORMAT_OPTION_NAMES, type FormatOption } from '../contract/data-formats.ts'
import type { JobKind } from '../contract/names.ts'
import { completeModel, type Model, modelText } from '../contract/training.ts'
import { type Fields, isFields } from '../support/fields.ts'
import type { TaskDeclaration } from '../tasks/declaration.ts'
import { declarationOf } from '../tasks/declarations.ts'
import type { DataSource } from './common.ts'
import type { Issue } from './issue.ts'
import type { Job } from './job.ts'
import { issueText, parseJob } from './parse.ts'
import { gpusOfWorker } from './per-pod-rules.ts'
import { fillSpec, recipeOf } from './resolve.ts'

type Data = Pick<ReturnType<typeof DataSource.parse>, 'source' | 'format' | FormatOption>

const SAME_DATA =
  'the same files as spec.data: its score will not say how well the model does on images it has not seen'

interface EvaluatedSpec {
  data: Data
  evaluation?: { data: Data } | undefined
}

/** Warnings about a valid job and about the templates of its transfers. */
function jobWarnings(job: Job): Issue[] {
  const transfers = job.kind === 'PretrainJob' ? (job.spec.transfers ?? []) : []
  const templates = transfers.flatMap(({ template }, i) => {
    const path = `spec.transfers[${i}].template`
    return [
      ...sameDataWarning(template as EvaluatedSpec, path),
      ...otherModelWarning(job, template, path),
      ...replacedTaskWarning('FinetuneJob', template, path),
    ]
  })
  return [...sameDataWarning(job.spec, 'spec'), ...idleGpusWarning(job), ...templates]
}

/** A warning, because stored jobs without the field must stay valid. */
function idleGpusWarning({ spec }: Job): Issue[] {
  const gpus = gpusOfWorker(spec)
  if (spec.workers.perPod !== undefined || gpus < 2) return []
  const message = `a worker requests ${gpus} GPUs, of which one process uses one: set perPod: ${gpus}, or request one GPU`
  return [{ path: 'spec.workers.perPod', value: undefined, expected: String(gpus), message }]
}

function sameDataWarning({ data, evaluation }: EvaluatedSpec, path: string): Issue[] {
  if (!evaluation || placeOf(evaluation.data) !== placeOf(data)) return []
  const { source } = evaluation.data
  return [{ path: `${path}.evaluation.data.source`, value: source, expected: 'other files', message: SAME_DATA }]
}

/** A warning and not a rule: an API server would refuse the status of a stored job that breaks a new rule. */
function otherModelWarning({ spec }: Job, template: Fields, path: string): Issue[] {
  const filled = fillSpec('FinetuneJob', template)
  const [saved, wanted] = [spec.model, filled.model as Model].map((model) => modelText(completeModel(model)))
  if (filled.init === 'random' || saved === wanted) return []
  const message = `the FinetuneJob will refuse the checkpoints of this job, whose model is ${saved}`
  return [{ path: `${path}.model`, value: wanted, expected: saved as string, message }]
}

/** A task of the preset's type is most often written to change its classes alone, and loses the preset's other options. */
function replacedTaskWarning(kind: JobKind, spec: Fields, path: string): Issue[] {
  const { preset, task } = fillSpec(kind, spec)
  const { task: ofPreset } = recipeOf(kind, preset)
  if (!ofPreset || !isFields(task) || task.type !== ofPreset.type) return []
  const { options }: TaskDeclaration = declarationOf(ofPreset.type)
  const changes = Object.entries(ofPreset).flatMap(([name, value]) => {
    const byDefault = options.shape[name]?.safeParse(undefined).data
    const isWritten = (task[name] ?? undefined) !== undefined
    const isSame = isWritten || isDeepStrictEqual(byDefault, value)
    return isSame ? [] : [`${name} is ${JSON.stringify(byDefault)} instead of ${JSON.stringify(value)}`]
  })
  if (changes.length === 0) return []
  const message = `it replaces the task of preset ${preset} as a whole: ${changes.join(', ')}. Write these options too, to keep the preset's`
  return [{ path: `${path}.task`, value: task, expected: "all options of the preset's task", message }]
}

/** One line per warning. @param written a valid job, as its author wrote it */
export function warningLines(label: string, written: object): string[] {
  const job = parseJob(written)
  const { spec } = written as { spec: Fields }
  const issues = [...replacedTaskWarning(job.kind, spec, 'spec'), ...jobWarnings(job)]
  return issues.map((issue) => `${label}: warning: ${issueText(issue)}`)
}

/** @example 'a/./b' and 'a/b/' are the same folder */
function placeOf({ source, format, ...data }: Data): string {
  const options = FORMAT_OPTION_NAMES.map((name) => data[name])
  const steps = (source.path ?? '').split('/').filter((step) => step !== '' && step !== '.')
  return JSON.stringify([source.claimName, steps, format, options])
}
