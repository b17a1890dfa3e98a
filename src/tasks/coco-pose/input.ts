/** Crops of persons (paper.md §4.8): one for each person with keypoints in training, one for each box in scoring. */
import { join } from 'node:path'
import type { z } from 'zod'
import type { AnnotatedObject, ObjectAnnotation } from '../../data/annotations.ts'
import { decodeStored } from '../../data/codecs/image.ts'
import { placed } from '../../data/interpret.ts'
import type { Decoded, InputPipeline, Sample, Size } from '../../input/pipeline.ts'
import { DownpourError } from '../../support/errors.ts'
import { printable } from '../../support/printable.ts'
import type { Random } from '../../support/random.ts'
import { parseFields } from '../declaration.ts'
import type { TaskData } from '../task-data.ts'
import { type Box, type Crop, clipBox, cropAround, toCrop } from './crop.ts'
import { cocoPose } from './declaration.ts'
import { drawCrop } from './draw-crop.ts'
import { type PersonBox, type PersonBoxes, readPersonBoxes } from './person-boxes.ts'
import { isCounted, isLabelled, type TruePerson } from './pose.ts'
import { findPerson, KEYPOINTS, MIRRORED, type Person } from './skeleton.ts'
import type { PoseTarget, ScoringTarget } from './target.ts'

export type PoseInput = z.output<typeof cocoPose.input>

/**
 * @throws DownpourError CONFIG_INVALID; DATA_KEYPOINTS: the data has other keypoints than COCO's; JSON_INVALID, COCO_INVALID and
 * DATA_EMPTY for a file of boxes that does not belong to it
 */
export async function createInput(
  given: unknown,
  { labels, folder, scored }: TaskData,
): Promise<InputPipeline<ObjectAnnotation, PoseTarget>> {
  const input = parsePoseInput(given)
  const person = findPerson(labels, folder)
  if (!scored || input.personBoxes === undefined) return poseInput(input, person, undefined)
  const { category } = person
  const boxes = await readPersonBoxes(join(folder, input.personBoxes), { category, images: scored.images })
  return poseInput(input, person, boxes)
}

function parsePoseInput(given: unknown): PoseInput {
  const input = parseFields(cocoPose.input, given)
  if (input.minCropScale <= input.maxCropScale) return input
  const found = `task.input.minCropScale: ${input.minCropScale}`
  throw new DownpourError('CONFIG_INVALID', `${found}: expected at most maxCropScale, ${input.maxCropScale}`)
}

const CHANNELS = 3
/** Larger pictures are scaled down to this side. A crop of the paper has 353 pixels. */
const MAX_SIDE_PIXELS = 2048
/** Nothing is learnt from a crop that is scored. */
const UNKNOWN = { keypoints: new Float32Array(3 * KEYPOINTS.length), others: new Float32Array() }

/** @param boxes of a detector, for scoring; absent: those of the persons */
export function poseInput(
  input: PoseInput,
  person: Person,
  boxes: PersonBoxes | undefined,
): InputPipeline<ObjectAnnotation, PoseTarget> {
  return {
    decode: (bytes) => decodeStored(bytes, within),
    needs: needsOf(person),
    *train(example, random) {
      const persons = personsIn(example, person)
      for (const one of persons.filter(isCounted)) {
        const box = clipBox(one.box, example.annotation)
        if (box) yield trainingSample(example, one, persons, randomCrop(box, input, random), input)
      }
    },
    *evaluate(example) {
      const persons = personsIn(example, person)
      const found = boxes
        ? (boxes.get(example.id) ?? [])
        : persons.filter(isCounted).map(({ box }) => ({ box, score: 1 }))
      const common = { image: example.id, label: person.label, persons }
      const samples = found.flatMap((one) => scoringSample(example, common, one, input))
      if (samples.length > 0) yield* samples
      else if (persons.some(isCounted)) yield blankSample(common, input)
    },
  }
}

function needsOf(person: Person): NonNullable<InputPipeline<ObjectAnnotation, PoseTarget>['needs']> {
  const counted = (annotation: ObjectAnnotation) => personsOf(annotation, person).filter(isCounted)
  const common = { code: 'DATA_NO_OBJECTS' } as const
  return {
    learning: {
      ...common,
      expected: 'a person with labelled keypoints and a box inside of the picture; crowds do not count',
      isMet: (annotation) => counted(annotation).some(({ box }) => clipBox(box, annotation)),
    },
    scoring: {
      ...common,
      expected: 'a person with labelled keypoints; crowds do not count',
      isMet: (annotation) => counted(annotation).length > 0,
    },
  }
}

function within({ width, height }: Size): Size {
  const scale = Math.min(1, MAX_SIDE_PIXELS / Math.max(width, height))
  return { width: Math.max(1, Math.round(width * scale)), height: Math.max(1, Math.round(height * scale)) }
}

/** @throws DownpourError BAD_DATA: a record gives another size than its picture has, so keypoints would be in other places; DATA_KEYPOINTS */
function personsIn({ id, annotation, picture }: Decoded<ObjectAnnotation>, person: Person): TruePerson[] {
  return placed(`image ${printable(id)}`, () => {
    const expected = within(annotation)
    if (expected.width === picture.width && expected.height === picture.height) return personsOf(annotation, person)
    const message = `it is annotated for ${annotation.width}×${annotation.height} pixels, and the picture has another size`
    throw new DownpourError('BAD_DATA', message)
  })
}

/** Keypoints in COCO's order; a person whose annotation has none gets unlabelled ones. */
function personsOf({ objects }: ObjectAnnotation, { label, order }: Person): TruePerson[] {
  return objects
    .filter((object) => object.label === label)
    .map((object) => ({ box: object.box, area: object.area, isCrowd: object.crowd, keypoints: ordered(object, order) }))
}

/** @throws DownpourError DATA_KEYPOINTS: a record has other keypoints than the label map names */
function ordered({ keypoints = [] }: AnnotatedObject, order: readonly number[]): number[] {
  if (keypoints.length !== 3 * order.length && isLabelled(keypoints)) {
    const found = `a person has ${keypoints.length / 3} keypoints, and the label map names ${order.length}`
    throw new DownpourError('DATA_KEYPOINTS', found)
  }
  return order.flatMap((place) => [0, 1, 2].map((part) => keypoints[3 * place + part] ?? 0))
}

function randomCrop(box: Box, input: PoseInput, random: Random): Crop {
  const { minCropScale, maxCropScale, flip } = input
  const factor = minCropScale + random.next() * (maxCropScale - minCropScale)
  return cropAround(box, sizeOf(input), factor, flip && random.next() < 0.5)
}

function sizeOf({ cropHeightPixels, cropWidthPixels }: PoseInput): Size {
  return { height: cropHeightPixels, width: cropWidthPixels }
}

function trainingSample(
  example: Decoded<ObjectAnnotation>,
  person: TruePerson,
  persons: readonly TruePerson[],
  crop: Crop,
  input: PoseInput,
): Sample<PoseTarget> {
  const size = sizeOf(input)
  const others = persons.filter((one) => one !== person && !one.isCrowd)
  const keypoints = keypointsIn(crop, size, [person])
  const scoring = { image: example.id, label: 0, persons: [], place: undefined }
  const learnt = { keypoints, others: keypointsIn(crop, size, others) }
  return sampleOf(example, { size, diskRadius: input.diskRadiusPixels, ...learnt, scoring }, crop)
}

/** Nothing for a box without area inside of the picture. */
function scoringSample(
  example: Decoded<ObjectAnnotation>,
  common: Omit<ScoringTarget, 'place'>,
  { box, score }: PersonBox,
  input: PoseInput,
): Sample<PoseTarget>[] {
  const clipped = clipBox(box, example.annotation)
  if (!clipped) return []
  const crop = cropAround(clipped, sizeOf(input), input.cropScale)
  const boxScore = input.boxScores === 'multiplied' ? score : 1
  const scoring = { ...common, place: { crop, box: clipped, boxScore } }
  return [sampleOf(example, scoringTarget(scoring, input), crop)]
}

/** A picture with persons and without a box: its persons count as not found. */
function blankSample(common: Omit<ScoringTarget, 'place'>, input: PoseInput): Sample<PoseTarget> {
  const target = scoringTarget({ ...common, place: undefined }, input)
  const { size } = target
  const values = size.height * size.width * CHANNELS
  return { size, target, draw: (into, offset) => into.fill(0, offset, offset + values) }
}

function scoringTarget(scoring: ScoringTarget, input: PoseInput): PoseTarget {
  return { size: sizeOf(input), diskRadius: input.diskRadiusPixels, ...UNKNOWN, scoring }
}

function sampleOf(
  { picture, annotation }: Decoded<ObjectAnnotation>,
  target: PoseTarget,
  crop: Crop,
): Sample<PoseTarget> {
  const { size } = target
  const ratio = picture.width / annotation.width
  const inPicture: Crop = { ...crop, left: crop.left * ratio, top: crop.top * ratio, scale: crop.scale * ratio }
  return { size, target, draw: (into, offset) => drawCrop(picture, inPicture, size, into, offset) }
}

/** Mirroring turns the left eye into a right one. */
function keypointsIn(crop: Crop, size: Size, persons: readonly TruePerson[]): Float32Array {
  return Float32Array.from(
    persons.flatMap(({ keypoints }) =>
      KEYPOINTS.flatMap((_, k) => {
        const from = 3 * (crop.isFlipped ? (MIRRORED[k] as number) : k)
        const [x, y] = toCrop(keypoints[from] as number, keypoints[from + 1] as number, crop, size)
        return [x, y, (keypoints[from + 2] as number) > 0 ? 1 : 0]
      }),
    ),
  )
}
