/** Makes and reads the features of a tf.train.Example. */
import type { Features } from './example.ts'

type Feature = Features[string]

export function bytes(...values: readonly Uint8Array[]): Feature {
  return { bytes: [...values] }
}

export function texts(values: readonly string[]): Feature {
  return { bytes: values.map((value) => Buffer.from(value)) }
}

export function text(value: string): Feature {
  return texts([value])
}

export function ints(values: readonly number[]): Feature {
  return { ints: [...values] }
}

export function floats(values: readonly number[]): Feature {
  return { floats: [...values] }
}

/** The first value; undefined if there is none or it is empty. */
export function bytesOf(feature: Feature | undefined): Uint8Array | undefined {
  const first = feature && 'bytes' in feature ? feature.bytes[0] : undefined
  return first?.length ? first : undefined
}

/** As `bytesOf`, read as UTF-8. */
export function textOf(feature: Feature | undefined): string | undefined {
  const value = bytesOf(feature)
  return value && Buffer.from(value).toString('utf8')
}

/** undefined if the feature is absent or has values of another type. */
export function intsOf(feature: Feature | undefined): number[] | undefined {
  return feature && 'ints' in feature ? feature.ints : undefined
}

/** As `intsOf`. A feature without values decodes to an empty list of ints, whatever its type. */
export function floatsOf(feature: Feature | undefined): number[] | undefined {
  return feature && 'floats' in feature ? feature.floats : emptyOf(feature)
}

/** As `floatsOf`. */
export function bytesListOf(feature: Feature | undefined): Uint8Array[] | undefined {
  return feature && 'bytes' in feature ? feature.bytes : emptyOf(feature)
}

function emptyOf(feature: Feature | undefined): [] | undefined {
  return feature && 'ints' in feature && feature.ints.length === 0 ? [] : undefined
}
