/** Schemas of spec.task and spec.input, made from the declarations of the tasks that a kind can have. */
import { z } from 'zod'
import type { JobKind } from '../contract/names.ts'
import type { InputConfig } from '../contract/runtime.ts'
import type { TaskDeclaration } from '../tasks/declaration.ts'
import { declarationsFor, type TaskType } from '../tasks/declarations.ts'

/** The type of a spec.task without one. A kind that is not listed requires a type. */
export const DEFAULT_TASK: Partial<Record<JobKind, TaskType>> = { PretrainJob: 'multi-label' }

type Options = Readonly<Record<string, unknown>>
export type TaskSpec = { readonly type: TaskType } & Options
export type InputSpec = Partial<InputConfig> & Options

export function taskUnion(kind: JobKind): z.ZodType<TaskSpec, TaskSpec> {
  const variants = declarationsFor(kind).map(({ type, options }) =>
    z.strictObject({ type: z.literal(type), ...options.shape }),
  )
  const defaultType = DEFAULT_TASK[kind]
  const otherwise = defaultType ? ` The type is ${defaultType} when absent.` : ''
  return z
    .discriminatedUnion('type', variants as [(typeof variants)[0], ...typeof variants])
    .describe(
      `What is learnt, and what shapes the weights for it. Given whole: it replaces that of the preset. Cannot change.${otherwise}`,
    )
    .meta({ ...(defaultType && { defaultType }) }) as unknown as z.ZodType<TaskSpec, TaskSpec>
}

/** The fields of all tasks, each optional. Parsing checks them against the declaration of the job's task. */
export function inputSchema(kind: JobKind): z.ZodType<InputSpec, InputSpec> {
  return z.strictObject(Object.fromEntries(fieldsOf(declarationsFor(kind)))) as unknown as z.ZodType<
    InputSpec,
    InputSpec
  >
}

function fieldsOf(declarations: readonly TaskDeclaration[]): Map<string, z.ZodType> {
  const fields = declarations.flatMap(({ input }) => Object.entries(input.shape))
  return new Map(
    fields.map(([name, field]) => [name, z.exactOptional(withoutDefault(field)).describe(descriptionOf(field))]),
  )
}

/** The API server would fill a default before the preset could. */
function withoutDefault(field: z.core.$ZodType): z.ZodType {
  return (field instanceof z.ZodDefault ? field.unwrap() : field) as z.ZodType
}

function descriptionOf(field: z.core.$ZodType): string {
  return withoutDefault(field).description ?? ''
}

/** For each task, the fields of spec.input that only other tasks have. */
export function foreignInputFields(declarations: readonly TaskDeclaration[]): { type: string; fields: string[] }[] {
  const all = [...fieldsOf(declarations).keys()]
  return declarations
    .map(({ type, input }) => ({ type, fields: all.filter((name) => !(name in input.shape)) }))
    .filter(({ fields }) => fields.length > 0)
}
