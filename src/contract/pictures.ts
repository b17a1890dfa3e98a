/** The file of a scored checkpoint's worst, median and best pictures. The evaluator writes it, the report draws it. */
import { z } from 'zod'

const label = z.int().min(0)
const shared = { score: z.exactOptional(z.number()) }

const StoredObject = z.object({
  label,
  box: z.tuple([z.number(), z.number(), z.number(), z.number()]),
  ...shared,
  crowd: z.exactOptional(z.boolean()),
  difficult: z.exactOptional(z.boolean()),
  keypoints: z.exactOptional(z.array(z.number())),
})

/** A `Sketch`. A mask is a PNG in base64, whose grey pixels are the classes. */
const StoredSketch = z.discriminatedUnion('type', [
  z.object({ type: z.literal('classes'), classes: z.array(z.object({ label, ...shared })) }),
  z.object({ type: z.literal('objects'), objects: z.array(StoredObject) }),
  z.object({ type: z.literal('mask'), png: z.base64() }),
])
export type StoredSketch = z.output<typeof StoredSketch>

const StoredPicture = z.object({
  rank: z.enum(['worst', 'median', 'best']),
  /** Of the example in the evaluation set. */
  id: z.string(),
  score: z.number(),
  samples: z.array(z.object({ truth: StoredSketch, prediction: StoredSketch })),
})
export type StoredPicture = z.output<typeof StoredPicture>

const PicturesRecord = z.object({
  /** Of the checkpoint. */
  digest: z.string(),
  /** The labels that the sketches name. */
  labels: z.array(
    z.object({
      id: label,
      name: z.string(),
      skeleton: z.exactOptional(z.array(z.tuple([z.int(), z.int()]))),
    }),
  ),
  pictures: z.array(StoredPicture),
})
export type PicturesRecord = z.output<typeof PicturesRecord>

/** Undefined for a file that is incomplete or has other contents: the report then has no pictures of the checkpoint. */
export function parsePictures(text: string): PicturesRecord | undefined {
  try {
    return PicturesRecord.safeParse(JSON.parse(text)).data
  } catch {
    return undefined
  }
}
