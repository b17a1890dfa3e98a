/**
 * A union told apart by `type`, as one object: all fields together, and two rules for each type, of what it needs and
 * what it has not. Rules rather than oneOf: of a oneOf that fits nowhere, the API server names a type at random.
 */
import { isDeepStrictEqual } from 'node:util'
import { DownpourError } from '../support/errors.ts'
import type { Schema, Validation } from './schema.ts'

const DISCRIMINATOR = 'type'
const CHOICE = 'Which one; it decides which other fields there are.'

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

/** The API server would fill a default whatever the type is; parsing fills it where it belongs. */
function withoutDefaults(properties: Record<string, Schema>): Record<string, Schema> {
  const fields = Object.entries(properties).map(([name, { default: _, ...schema }]) => [name, schema])
  return Object.fromEntries(fields)
}

function nameOf({ properties }: Schema, path: string): string {
  const [name] = properties?.[DISCRIMINATOR]?.enum ?? []
  if (typeof name === 'string') return name
  throw new DownpourError('BUG_NOT_STRUCTURAL', `${path}: a union without a ${DISCRIMINATOR}`, { path })
}
