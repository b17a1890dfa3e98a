/**
 * A union told apart by `type`, as one object: all fields above, which of them a type needs in oneOf, and a rule for
 * each field that belongs to another type.
 */
import { isDeepStrictEqual } from 'node:util'
import { DownpourError } from '../support/errors.ts'
import type { Schema } from './structural.ts'

export const DISCRIMINATOR = 'type'

export function mergeVariants({ oneOf: variants = [], ...rest }: Schema, path: string): Schema {
  const names = variants.map((variant) => nameOf(variant, path))
  const properties = variants.reduce<Record<string, Schema>>(
    (all, { properties: own = {} }) => mergeProperties(all, own, path),
    {},
  )
  return {
    ...rest,
    type: 'object',
    required: [DISCRIMINATOR],
    properties: { ...properties, [DISCRIMINATOR]: { type: 'string', enum: names } },
    oneOf: variants.map(({ required = [] }, i) => ({
      properties: { [DISCRIMINATOR]: { enum: [names[i]] } },
      required,
    })),
    'x-kubernetes-validations': variants.flatMap((variant, i) => strangerRule(variant, names[i] as string, properties)),
  }
}

function strangerRule({ properties: own = {} }: Schema, name: string, all: Record<string, Schema>): object[] {
  const strangers = Object.keys(all).filter((field) => !(field in own))
  if (strangers.length === 0) return []
  return [
    {
      rule: `self.${DISCRIMINATOR} != '${name}' || !(${strangers.map((field) => `has(self.${field})`).join(' || ')})`,
      message: `type ${name} has no ${strangers.join(', ')}`,
    },
  ]
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

function nameOf({ properties }: Schema, path: string): string {
  const [name] = properties?.[DISCRIMINATOR]?.enum ?? []
  if (typeof name === 'string') return name
  throw new DownpourError('BUG_NOT_STRUCTURAL', `${path}: a union without a ${DISCRIMINATOR}`, { path })
}
