/** The label ids of a WebDataset sample, from its .cls or its .json. */
import { z } from 'zod'
import { errorMessage } from '../../support/errors.ts'
import { shownValue } from '../../support/shown.ts'
import { decodeUtf8 } from '../../support/utf8.ts'
import { similarName } from '../label-names.ts'
import type { LabelMap } from '../labels.ts'
import type { Sample } from './samples.ts'

/** Far larger than any description of a picture. */
const MAX_TEXT_BYTES = 1 << 20

const label = z.union([z.int().min(0), z.string()])
const SampleJson = z.object({ label: z.exactOptional(label), labels: z.exactOptional(z.array(label)) })

type Ids = (sample: Sample) => number[]

/**
 * `.cls` has an id, or the name of a class. Without a `.cls`, `.json` has `labels`, a list, or `label`: numbers are ids,
 * and texts are names.
 * @returns a function that throws an Error whose message says what is wrong with a sample
 */
export function labelReader({ labels, size }: LabelMap): Ids {
  const idByName = new Map(labels.map(({ id, name }) => [name.normalize('NFC'), id]))
  const idOf = (value: number | string): number => {
    const id = typeof value === 'number' ? value : idByName.get(value.normalize('NFC'))
    if (id !== undefined && id < size) return id
    const like = typeof value === 'string' ? similarName([value], labels) : ''
    throw new Error(`label ${shownValue(value)} is not among the ${size} labels (0 to ${size - 1}, or a name)${like}`)
  }
  return (sample) => [...new Set(storedIn(sample).map(idOf))]
}

function storedIn({ key, cls, json }: Sample): (number | string)[] {
  if (cls) return [ofCls(textOf(cls.data, cls.name))]
  if (json) return ofJson(textOf(json.data, json.name), json.name)
  throw new Error(`the sample has no label: no ${key}.cls, and no ${key}.json with "label" or "labels"`)
}

function ofCls(text: string): number | string {
  const value = text.trim()
  return /^\d+$/.test(value) ? Number(value) : value
}

function ofJson(text: string, name: string): (number | string)[] {
  const parsed = SampleJson.safeParse(parseJson(text, name))
  if (!parsed.success) {
    const [issue] = parsed.error.issues
    throw new Error(`${name}: ${issue?.path.join('.') || 'the whole'}: ${issue?.message}`)
  }
  const { label: one, labels: several } = parsed.data
  if (several) return several
  if (one !== undefined) return [one]
  throw new Error(`${name}: has neither "label" nor "labels"`)
}

function parseJson(text: string, name: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new Error(`${name}: not JSON: ${errorMessage(error)}`)
  }
}

function textOf(data: Uint8Array, name: string): string {
  if (data.length > MAX_TEXT_BYTES)
    throw new Error(`${name}: has ${data.length} bytes; at most ${MAX_TEXT_BYTES} are read`)
  const text = decodeUtf8(data)
  if (text === undefined) throw new Error(`${name}: not UTF-8`)
  return text
}
