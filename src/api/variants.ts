/**
 * Converts a union with the discriminator `type` into one object with all fields, and two rules for each type: which
 * fields it requires, and which it does not have. For a oneOf that matches nothing the API server would report a type at
 * random.
 */
import { isDeepStrictEqual } from 'node:util'
import { DownpourError } from '../support/errors.ts'
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

function rulesOf(name: string, { properties: own = {}, required = [] }: Schema, all: object): Validation[] {
  const needed = required.filter((field) => field !== DISCRIMINATOR)
  const strangers = Object.keys(all).filter((field) => !(field in own))
  const other = `self.${DISCRIMINATOR} != '${name}'`
  return [
    { rule: `${other} || (${needed.map(has).join(' && ')})`, message: `type ${name} needs ${needed.join(', ')}` },
    {
      rule: `${other} || !(${strangers.map(has).join(' || ')})`,
      message: `type ${name} has no ${strangers.join(', ')}`,
    },
  ].filter((_, i) => [needed, strangers][i]?.length !== 0)
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
    const known = all[field]
    if (field !== DISCRIMINATOR && known && !isDeepStrictEqual(known, schema)) {
      throw new DownpourError('BUG_NOT_STRUCTURAL', `${path}.${field}: differs between types`, { path })
    }
  }
  return { ...all, ...own }
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
