/** Inspects the examples of a data set, each kind of annotations in its own way: counts, damage, and samples. */
import { errorMessage } from '../../support/errors.ts'
import { printable } from '../../support/printable.ts'
import type { MaskAnnotation, ObjectAnnotation } from '../annotations.ts'
import { decodeSquare } from '../codecs/image.ts'
import type { AnyDataset, ClassLabels, Encoded } from '../dataset.ts'
import type { LabelMap } from '../labels.ts'
import { readMask } from '../voc/mask.ts'
import { ContactSheet, LARGE, type SheetSize, SMALL } from './contact-sheet.ts'
import { drawMask } from './draw-mask.ts'
import { drawObjects } from './draw-objects.ts'
import { LabelCount } from './label-count.ts'
import { MaskCount } from './mask-count.ts'
import { ObjectCount } from './object-count.ts'

export type Contents =
  | { readonly annotates: 'classes'; readonly counts: LabelCount }
  | { readonly annotates: 'objects'; readonly counts: ObjectCount }
  | { readonly annotates: 'masks'; readonly counts: MaskCount }

export interface Inspector<A> {
  readonly contents: Contents
  /** @returns the problem of a damaged example */
  add(example: Encoded<A>): Promise<string | undefined>
  /** @returns the path of the contact sheet; undefined if none was asked for or no picture could be read */
  writeSamples(): Promise<string | undefined>
}

/** @param samples folder of the contact sheet. @throws DownpourError SAMPLES_UNUSABLE */
export function createInspector({ annotates, labels }: AnyDataset, samples: string | undefined): Inspector<never> {
  const sheetOf = (size: SheetSize) => (samples === undefined ? undefined : ContactSheet.in(samples, size))
  if (annotates === 'classes') return inspectorOf<ClassLabels>(classView(labels), sheetOf(SMALL))
  if (annotates === 'objects') return inspectorOf<ObjectAnnotation>(objectView(labels), sheetOf(LARGE))
  return inspectorOf<MaskAnnotation>(maskView(labels), sheetOf(LARGE))
}

/** What differs between the kinds. */
interface View<A> {
  readonly contents: Contents
  /** @returns a label that the data set lacks */
  count(annotation: A): number | undefined
  /** RGB, side·side·3 */
  draw(bytes: Uint8Array, annotation: A, side: number): Promise<Uint8Array>
  /** For index.txt. */
  text(annotation: A): string
}

/** Small, because damage is found at any size. */
const DECODE_PIXELS = 96

function inspectorOf<A>({ contents, count, draw, text }: View<A>, sheet: ContactSheet | undefined): Inspector<A> {
  return {
    contents,
    async add({ id, bytes, annotation, where }) {
      try {
        const unknown = count(annotation)
        if (unknown !== undefined) return `${where}, image ${id}: label ${unknown} is not in the labels file`
        await decodeSquare(bytes, DECODE_PIXELS)
        if (sheet && !sheet.isFull) sheet.add(id, text(annotation), await draw(bytes, annotation, sheet.side))
      } catch (error) {
        return `${where}, image ${id}: ${errorMessage(error)}`
      }
    },
    writeSamples: async () => sheet?.write(),
  }
}

function classView(labels: LabelMap): View<ClassLabels> {
  const counts = new LabelCount(labels)
  const names = (ids: readonly number[]) => ids.map((id) => nameOf(labels, id)).join(', ')
  return {
    contents: { annotates: 'classes', counts },
    count: (annotation) => counts.add(annotation),
    draw: (bytes, _, side) => decodeSquare(bytes, side),
    text: ({ labels: stored, truth }) => `${names(stored)}${truth ? ` (shows: ${names(truth)})` : ''}`,
  }
}

function objectView(labels: LabelMap): View<ObjectAnnotation> {
  const counts = new ObjectCount(labels)
  return {
    contents: { annotates: 'objects', counts },
    count: (annotation) => counts.add(annotation),
    draw: (bytes, annotation, side) => drawObjects(bytes, annotation, labels, side),
    text: ({ objects }) => objects.map(({ label, box }) => `${nameOf(labels, label)} [${box.join(', ')}]`).join('; '),
  }
}

function maskView(labels: LabelMap): View<MaskAnnotation> {
  const counts = new MaskCount(labels)
  const maskIn = ({ png }: MaskAnnotation) => readMask(png, 'mask')
  return {
    contents: { annotates: 'masks', counts },
    count: (annotation) => counts.add(maskIn(annotation)),
    draw: (bytes, annotation, side) => drawMask(bytes, maskIn(annotation), labels, side),
    text: (annotation) => {
      const present = [...new Set(maskIn(annotation).classes)].sort((a, b) => a - b)
      return present.flatMap((id) => (id in labels.labels ? [nameOf(labels, id)] : [])).join(', ')
    },
  }
}

function nameOf({ labels }: LabelMap, id: number): string {
  return printable(labels[id]?.name ?? String(id))
}
