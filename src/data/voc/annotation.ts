/** Reads a VOC annotation (Annotations/*.xml). Boxes are 1-based and include their last pixel, as they are stored. */
import { XMLParser, XMLValidator } from 'fast-xml-parser'
import { z } from 'zod'
import type { VocBox } from '../../scores/voc.ts'
import { DownpourError } from '../../support/errors.ts'

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

/** Replaces the five entities of XML itself, because documents that declare others are refused. Objects are always a list. */
const PARSER = new XMLParser({
  processEntities: true,
  parseTagValue: false,
  isArray: (name) => name === 'object',
})

const number = z.string().trim().min(1).transform(Number).refine(Number.isFinite, 'expected a number')
const flag = z.enum(['0', '1']).default('0')
const text = z.string().trim().min(1)
const AnnotationXml = z.object({
  annotation: z.object({
    size: z.object({ width: number, height: number }),
    object: z
      .array(
        z.object({
          name: text,
          difficult: flag,
          truncated: flag,
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
  const parsed = AnnotationXml.safeParse(PARSER.parse(xml))
  if (!parsed.success) {
    const [issue] = parsed.error.issues
    throw fail(`${issue?.path.join('.')}: ${issue?.message}`)
  }
  const { size, object } = parsed.data.annotation
  const objects = object.map(({ name, difficult, truncated, bndbox: { xmin, ymin, xmax, ymax } }) => ({
    name,
    box: [xmin, ymin, xmax, ymax] as const,
    difficult: difficult === '1',
    truncated: truncated === '1',
  }))
  return { ...size, objects }
}
