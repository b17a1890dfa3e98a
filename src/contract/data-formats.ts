/**
 * The formats of data sets, and the fields of `spec.data` that only some of them take. The operator knows formats by
 * this list alone; src/data/formats.ts has the reader of each.
 */
import { z } from 'zod'
import { innerPath } from './paths.ts'

const filePattern = z
  .string()
  .max(256)
  .regex(/^[A-Za-z0-9._*?+=@-]+$/, 'a pattern of file names: letters, digits, ".", "_", "-", "+", "=", "@", "*", "?"')

const imageSet = z
  .string()
  .max(256)
  .regex(/^(Main|Segmentation)\/[A-Za-z0-9._+=@-]+$/, 'Main/SET or Segmentation/SET, the name of a file of ImageSets')

export const FORMAT_OPTIONS = {
  files: z
    .exactOptional(filePattern)
    .describe('Pattern of the names of shards, such as train-*; all when absent, which must then be one series.'),
  labels: z
    .exactOptional(innerPath)
    .describe(
      'labels.json (id, name, parents), a .txt file with a class name a line, or a label map (.pbtxt), relative to the source path.',
    ),
  annotations: z.exactOptional(innerPath).describe('Annotations file of format coco, relative to the source path.'),
  images: z
    .exactOptional(innerPath)
    .describe('Folder of the pictures that the annotations file of format coco names, relative to the source path.'),
  imageSet: z
    .exactOptional(imageSet)
    .describe('Image set of format voc: Main/SET for boxes of objects, Segmentation/SET for masks of classes.'),
}
export type FormatOption = keyof typeof FORMAT_OPTIONS
export const FORMAT_OPTION_NAMES = Object.keys(FORMAT_OPTIONS) as FormatOption[]

interface FormatDeclaration {
  readonly name: string
  readonly description: string
  readonly options: readonly FormatOption[]
}

export const DATA_FORMATS = [
  {
    name: 'tfrecord-detection',
    description: 'shards of tf.train.Example with objects, under the keys of the TensorFlow Object Detection API',
    options: ['files', 'labels'],
  },
  {
    name: 'tfrecord-segmentation',
    description: 'shards of tf.train.Example with a mask of classes, under the keys of DeepLab',
    options: ['files', 'labels'],
  },
  { name: 'tfrecord', description: 'shards of tf.train.Example', options: ['files', 'labels'] },
  {
    name: 'coco',
    description: 'an annotations file of COCO (instances, person_keypoints) and its pictures',
    options: ['annotations', 'images'],
  },
  { name: 'voc', description: 'a folder of PASCAL VOC, with ImageSets', options: ['imageSet', 'labels'] },
  { name: 'imagenet-folder', description: 'a folder of images for each class', options: ['labels'] },
  {
    name: 'webdataset',
    description: 'tar shards of pictures with a .cls or .json beside each',
    options: ['files', 'labels'],
  },
] as const satisfies readonly FormatDeclaration[]

/** What a data set annotates in each picture: its classes, its objects, or the class of each pixel. */
export const ANNOTATION_KINDS = ['classes', 'objects', 'masks'] as const
export type AnnotationKind = (typeof ANNOTATION_KINDS)[number]

export type DataFormatName = (typeof DATA_FORMATS)[number]['name']
export const FORMAT_NAMES: readonly DataFormatName[] = DATA_FORMATS.map(({ name }) => name)

export const dataFormat = z
  .enum(FORMAT_NAMES)
  .describe(DATA_FORMATS.map(({ name, description }) => `${name}: ${description}.`).join(' '))

export function formatsWith(option: FormatOption): DataFormatName[] {
  const formats: readonly (FormatDeclaration & { name: DataFormatName })[] = DATA_FORMATS
  return formats.filter(({ options }) => options.includes(option)).map(({ name }) => name)
}
