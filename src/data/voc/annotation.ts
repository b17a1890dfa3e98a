/** Reads a VOC annotation (Annotations/*.xml). Boxes are 1-based and include their last pixel, as they are stored. */
import { XMLParser, XMLValidator } from 'fast-xml-parser'
import { z } from 'zod'
import type { VocBox } from '../../scores/voc.ts'
import { DownpourError, errorMessage } from '../../support/errors.ts'
import { shownValue } from '../../support/shown.ts'

export interface VocAnnotation {
  readonly width: number
  readonly height: number
  readonly objects: readonly VocObject[]
}

export interface VocObject {
  readonly name: string
  readonly box: VocBox
  readonly difficult: boolean
  readonly truncated: boolean
}

const MAX_CHARACTERS = 4 << 20

/** Characters by number, and the five entities of XML itself: documents that declare others are refused. */
const ENTITY = /&(?!(amp|lt|gt|quot|apos|#\d+|#x[\da-f]+);)[^\s;&<]*;/i
const COMMENT_OR_CDATA = /<!--[\s\S]*?-->|<!\[CDATA\[[\s\S]*?\]\]>/g

/** Objects are always a list. */
const PARSER = new XMLParser({
  processEntities: true,
  // Without it, the package leaves characters by number as they are.
  htmlEntities: true,
  parseTagValue: false,
  isArray: (name) => name === 'object',
})

const number = z.string().trim().min(1).transform(Number).refine(Number.isFinite, 'expected a number')
const flag = z.enum(['0', '1']).default('0')
/** Scoring does not use it, and tools also write a share, or `Unspecified`. */
const truncation = z
  .string()
  .default('0')
  .transform((value) => Number(value) > 0)
/** macOS writes é as two characters in names of files, which hold the names of classes too. */
const text = z
  .string()
  .trim()
  .min(1)
  .transform((value) => value.normalize('NFC'))
const AnnotationXml = z.object({
  annotation: z.object({
    size: z.object({ width: number, height: number }),
    object: z
      .array(
        z.object({
          name: text,
          difficult: flag,
          truncated: truncation,
          bndbox: z
            .object({ xmin: number, ymin: number, xmax: number, ymax: number })
            .refine(
              ({ xmin, ymin, xmax, ymax }) => xmax >= xmin && ymax >= ymin,
              'expected xmax ≥ xmin and ymax ≥ ymin',
            ),
        }),
      )
      .default([]),
  }),
})

/** @param where for messages. @throws DownpourError VOC_INVALID */
export function parseAnnotation(xml: string, where: string): VocAnnotation {
  const fail = (problem: string) => new DownpourError('VOC_INVALID', `${where}: ${problem}`, { file: where })
  if (xml.length > MAX_CHARACTERS) throw fail(`${xml.length} characters: expected at most ${MAX_CHARACTERS}`)
  if (/<!DOCTYPE|<!ENTITY/i.test(xml)) throw fail('document types and entities are not read: remove <!DOCTYPE …>')
  const valid = XMLValidator.validate(xml)
  if (valid !== true) throw fail(`line ${valid.err.line}: ${valid.err.msg}`)
  const entity = ENTITY.exec(xml.replaceAll(COMMENT_OR_CDATA, ''))?.[0]
  if (entity !== undefined)
    throw fail(`entity ${shownValue(entity)}: expected one of XML itself, or a number as &#233;`)
  const content = contentOf(xml, fail)
  const parsed = AnnotationXml.safeParse(content)
  if (!parsed.success) {
    const [{ path, message }] = parsed.error.issues as [z.core.$ZodIssue]
    throw fail(`${path.join('.')}: ${found(content, path)}: ${message}`)
  }
  const { size, object } = parsed.data.annotation
  const objects = object.map(({ name, difficult, truncated, bndbox: { xmin, ymin, xmax, ymax } }) => ({
    name,
    box: [xmin, ymin, xmax, ymax] as const,
    difficult: difficult === '1',
    truncated,
  }))
  return { ...size, objects }
}

/** The package refuses XML of more than 100 levels, and names that stand for something else in JavaScript. */
function contentOf(xml: string, fail: (problem: string) => DownpourError): unknown {
  try {
    return PARSER.parse(xml)
  } catch (error) {
    throw fail(errorMessage(error))
  }
}

function found(content: unknown, path: readonly PropertyKey[]): string {
  const value = path.reduce<unknown>(
    (inside, key) => (inside as Record<PropertyKey, unknown> | undefined)?.[key],
    content,
  )
  return value === undefined ? 'missing' : shownValue(value)
}
