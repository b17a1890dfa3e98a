/** Scalars as Kubernetes reads them (YAML 1.1 without base 60 and dates): `yes` is true, `0777` is 511. */
import { CORE_SCHEMA, defineScalarTag, mergeTag, NOT_RESOLVED } from 'js-yaml'

const TRUE = /^(?:y|Y|yes|Yes|YES|true|True|TRUE|on|On|ON)$/
const FALSE = /^(?:n|N|no|No|NO|false|False|FALSE|off|Off|OFF)$/
const INTEGER = /^[-+]?(?:0[xX][0-9a-fA-F]+|0[oO]?[0-7]+|0[bB][01]+|0|[1-9][0-9]*)$/
const FLOAT = /^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$/
const SPECIAL = /^(?:[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$/

const bool = defineScalarTag<boolean>('tag:yaml.org,2002:bool', {
  implicit: true,
  identify: () => false,
  resolve: (source) => (TRUE.test(source) ? true : FALSE.test(source) ? false : NOT_RESOLVED),
})

const integer = defineScalarTag<number>('tag:yaml.org,2002:int', {
  implicit: true,
  identify: () => false,
  resolve: (source) => {
    const plain = digitsOf(source)
    return INTEGER.test(plain) ? integerOf(plain) : NOT_RESOLVED
  },
})

const float = defineScalarTag<number>('tag:yaml.org,2002:float', {
  implicit: true,
  identify: () => false,
  resolve: (source) => {
    if (SPECIAL.test(source)) return specialOf(source)
    const plain = digitsOf(source)
    const value = FLOAT.test(plain) ? Number(plain) : Number.NaN
    return Number.isFinite(value) ? value : NOT_RESOLVED
  },
})

/** Removes the underscores of a number such as `1_000`. `_1` stays a text. */
function digitsOf(source: string): string {
  return /^[-+.0-9]/.test(source) ? source.replaceAll('_', '') : source
}

function integerOf(plain: string): number {
  const sign = plain.startsWith('-') ? -1 : 1
  const digits = plain.replace(/^[-+]/, '')
  const octal = /^0[0-7]/.test(digits) ? `0o${digits.slice(1)}` : digits
  return sign * Number(octal)
}

function specialOf(source: string): number {
  if (/nan/i.test(source)) return Number.NaN
  return source.startsWith('-') ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY
}

export const KUBERNETES_SCHEMA = CORE_SCHEMA.withTags(bool, integer, float, mergeTag)
