/** Schemas of spec.task and spec.input, made from the declarations of the tasks that a kind can have. */
import { isDeepStrictEqual } from 'node:util'
import { z } from 'zod'
import type { JobKind } from '../contract/names.ts'
import type { InputConfig } from '../contract/runtime.ts'
import type { TaskDeclaration } from '../tasks/declaration.ts'
import { declarationsFor, type TaskType } from '../tasks/declarations.ts'
import { type NarrowField, narrower } from './bounds.ts'
import type { Schema } from './schema.ts'
import { structuralSchema } from './structural.ts'

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
 * spec.input, with the input fields of every task of the kind, each optional. A field of several tasks may have what any of
 * them admits. Parsing checks all fields against the declaration of the job's own task, and the CRD by `narrowInputFields`.
 */
export function inputSchema(declarations: readonly TaskDeclaration[]): z.ZodType<InputSpec, InputSpec> {
  const fields = namesOf(declarations).map((name) => [name, commonField(fieldsNamed(name, declarations))])
  return z.strictObject(Object.fromEntries(fields)) as unknown as z.ZodType<InputSpec, InputSpec>
}

function namesOf(declarations: readonly TaskDeclaration[]): string[] {
  return [...new Set(declarations.flatMap(({ input }) => Object.keys(input.shape)))]
}

function fieldsNamed(name: string, declarations: readonly TaskDeclaration[]): z.core.$ZodType[] {
  return declarations.flatMap(({ input }) => input.shape[name] ?? [])
}

function commonField(fields: readonly z.core.$ZodType[]): z.ZodType {
  const schemas = fields.map((field) => jsonSchemaOf(field))
  const isFirst = (_: unknown, i: number) => schemas.findIndex((one) => isDeepStrictEqual(one, schemas[i])) === i
  const [first, ...others] = fields.filter(isFirst).map(withoutDefault) as [z.ZodType, ...z.ZodType[]]
  const type = others.length === 0 ? first : z.union([first, ...others])
  return z.exactOptional(type).describe(descriptionOf(fields[0] as z.core.$ZodType))
}

function jsonSchemaOf(field: z.core.$ZodType): Schema {
  const { description: _, ...schema } = structuralSchema(withoutDefault(field))
  return schema
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
  const all = namesOf(declarations)
  return declarations
    .map(({ type, input }) => ({ type, fields: all.filter((name) => !(name in input.shape)) }))
    .filter(({ fields }) => fields.length > 0)
}

/** For each task, the fields of spec.input that may have less than in another task. `holds` is CEL over `self.input`. */
export function narrowInputFields(
  declarations: readonly TaskDeclaration[],
): (NarrowField & { readonly type: string; readonly field: string })[] {
  const { properties: common = {} } = structuralSchema(inputSchema(declarations))
  return declarations.flatMap(({ type, input }) =>
    Object.entries(input.shape).flatMap(([field, own]) => {
      const narrow = narrower(jsonSchemaOf(own), common[field] as Schema, `self.input.${field}`)
      return narrow ? [{ type, field, ...narrow }] : []
    }),
  )
}
