/** Schemas of spec.task and spec.input, made from the declarations of the tasks that a kind can have. */
import { z } from 'zod'
import type { JobKind } from '../contract/names.ts'
import type { InputConfig } from '../contract/runtime.ts'
import type { TaskDeclaration } from '../tasks/declaration.ts'
import { declarationsFor, type TaskType } from '../tasks/declarations.ts'

/** The default of spec.task.type. For a kind that is not listed, the field is required. */
export const DEFAULT_TASK: Partial<Record<JobKind, TaskType>> = { PretrainJob: 'multi-label' }

type Options = Readonly<Record<string, unknown>>
export type TaskSpec = { readonly type: TaskType } & Options
export type InputSpec = Partial<InputConfig> & Options

export function taskUnion(kind: JobKind): z.ZodType<TaskSpec, TaskSpec> {
  const variants = declarationsFor(kind).map(({ type, options }) =>
    z.strictObject({ type: z.literal(type), ...options.shape }),
  )
  const defaultType = DEFAULT_TASK[kind]
  const defaultNote = defaultType ? ` If type is absent, it is ${defaultType}.` : ''
  return z
    .discriminatedUnion('type', variants as [(typeof variants)[0], ...typeof variants])
    .describe(
      `What the model learns, and the options that determine the shapes of its weights. Replaces the preset's task as a whole. Cannot change.${defaultNote}`,
    )
    .meta({ ...(defaultType && { defaultType }) }) as unknown as z.ZodType<TaskSpec, TaskSpec>
}

/**
 * spec.input, with the input fields of every task of the kind, each optional. Parsing checks them against the declaration
 * of the job's own task.
 */
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

/** The API server would fill a default before the preset could set the field. */
function withoutDefault(field: z.core.$ZodType): z.ZodType {
  return (field instanceof z.ZodDefault ? field.unwrap() : field) as z.ZodType
}

function descriptionOf(field: z.core.$ZodType): string {
  return (field as z.ZodType).description ?? withoutDefault(field).description ?? ''
}

/** For each task, the fields of spec.input that only other tasks have. */
export function foreignInputFields(declarations: readonly TaskDeclaration[]): { type: string; fields: string[] }[] {
  const all = [...fieldsOf(declarations).keys()]
  return declarations
    .map(({ type, input }) => ({ type, fields: all.filter((name) => !(name in input.shape)) }))
    .filter(({ fields }) => fields.length > 0)
}
