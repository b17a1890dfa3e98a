/** Rules that refuse what the task of a job does not declare: a data format or a metric. */
import { JOB_KINDS, type JobKind } from '../contract/names.ts'
import type { TaskDeclaration } from '../tasks/declaration.ts'
import { declarationOf, declarationsFor } from '../tasks/declarations.ts'
import { filled, literal } from './filled.ts'
import type { Rule, Spec } from './rule.ts'
import { DEFAULT_TASK } from './task.ts'

const FORMAT = 'must be a format that carries what the task learns'
const formatsOf = ({ formats }: TaskDeclaration): readonly string[] => formats
const metricsOf = ({ metrics }: TaskDeclaration) => metrics.map(({ name }) => name)

export const TASK_RULES: readonly Rule[] = [
  ruleFor(JOB_KINDS, 'data.format', FORMAT, ({ data }) => data.format, formatsOf),
  ruleFor(JOB_KINDS, 'evaluation.data.format', FORMAT, ({ evaluation }) => evaluation?.data.format, formatsOf),
  ruleFor(
    ['PretrainJob'],
    'evaluation.metric',
    'must be a metric of the task',
    ({ evaluation }) => evaluation?.metric,
    metricsOf,
  ),
]

/** @param path of the value in the spec; any part of it may be absent */
function ruleFor(
  kinds: readonly JobKind[],
  path: string,
  message: string,
  read: (spec: Spec) => string | undefined,
  declaredIn: (declaration: TaskDeclaration) => readonly string[],
): Rule {
  return {
    kinds,
    path: `spec.${path}`,
    message,
    holds: (spec) => {
      const value = read(spec)
      return value === undefined || declaredIn(declarationOf(spec.task.type)).includes(value)
    },
    cel: (kind) => {
      const steps = path.split('.')
      const absent = steps.map((_, i) => `!has(self.${steps.slice(0, i + 1).join('.')})`)
      const pairs = declarationsFor(kind).flatMap((one) =>
        declaredIn(one).map((value) => literal(`${one.type} ${value}`)),
      )
      return [...absent, `(${taskType(kind)} + ' ' + self.${path}) in [${pairs.join(', ')}]`].join(' || ')
    },
  }
}

/** CEL for the type of the job's task; '' for a job without a task, which another rule refuses. */
export function taskType(kind: JobKind): string {
  return filled(kind, 'task.type', DEFAULT_TASK[kind] ?? '')
}
