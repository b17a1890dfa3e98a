/**
 * Converts a union with the discriminator `type` into one object with all fields, and rules for each type: which fields it
 * requires, which it does not have, and which have narrower bounds than in another type. For a oneOf that matches nothing the API server would report a type at
 * random.
 */
import { DownpourError } from '../support/errors.ts'
import { narrower, widest } from './bounds.ts'
import type { Schema, Validation } from './schema.ts'

const DISCRIMINATOR = 'type'
const CHOICE = 'The variant, which determines the other fields.'

export function mergeVariants({ oneOf: variants = [], defaultType, ...rest }: Schema, path: string): Schema {
  const names = variants.map((variant) => nameOf(variant, path))
  const properties = variants.reduce<Record<string, Schema>>(
    (all, { properties: own = {} }) => mergeProperties(all, withoutDefaults(own), path),
    {},
  )
  const choice = { type: 'string', description: CHOICE, enum: names, ...(defaultType && { default: defaultType }) }
  return {
    ...rest,
    type: 'object',
    ...(defaultType === undefined && { required: [DISCRIMINATOR] }),
    properties: { ...properties, [DISCRIMINATOR]: choice },
    'x-kubernetes-validations': variants.flatMap((variant, i) => rulesOf(names[i] as string, variant, properties)),
  }
}

function rulesOf(
  name: string,
  { properties: own = {}, required = [] }: Schema,
  all: Readonly<Record<string, Schema>>,
): Validation[] {
  const needed = required.filter((field) => field !== DISCRIMINATOR)
  const strangers = Object.keys(all).filter((field) => !(field in own))
  const other = `self.${DISCRIMINATOR} != '${name}'`
  const byPresence = [
    { rule: `${other} || (${needed.map(has).join(' && ')})`, message: `type ${name} needs ${needed.join(', ')}` },
    {
      rule: `${other} || !(${strangers.map(has).join(' || ')})`,
      message: `type ${name} has no ${strangers.join(', ')}`,
    },
  ].filter((_, i) => [needed, strangers][i]?.length !== 0)
  return [...byPresence, ...Object.entries(own).flatMap(([field, schema]) => boundsOf(name, field, schema, all))]
}

function boundsOf(name: string, field: string, own: Schema, all: Readonly<Record<string, Schema>>): Validation[] {
  const narrow = narrower(own, all[field] as Schema, `self.${field}`)
  if (!narrow) return []
  const rule = `self.${DISCRIMINATOR} != '${name}' || !${has(field)} || (${narrow.holds})`
  return [{ rule, message: `expected ${narrow.expected} for type ${name}`, fieldPath: `.${field}` }]
}

function has(field: string): string {
  return `has(self.${field})`
}

function mergeProperties(
  all: Record<string, Schema>,
  own: Record<string, Schema>,
  path: string,
): Record<string, Schema> {
  for (const [field, schema] of Object.entries(own)) {
    const known = field === DISCRIMINATOR ? undefined : all[field]
    all[field] = known ? widest([known, schema], `${path}.${field}`) : schema
  }
  return all
}

/** The API server would fill a default for every type; parsing fills it for the right one. */
function withoutDefaults(properties: Record<string, Schema>): Record<string, Schema> {
  const fields = Object.entries(properties).map(([name, { default: _, ...schema }]) => [name, schema])
  return Object.fromEntries(fields)
}

function nameOf({ properties }: Schema, path: string): string {
  const [name] = properties?.[DISCRIMINATOR]?.enum ?? []
  if (typeof name === 'string') return name
  throw new DownpourError('BUG_NOT_STRUCTURAL', `${path}: a union without a ${DISCRIMINATOR}`, { path })
}
