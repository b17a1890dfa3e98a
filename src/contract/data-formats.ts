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

export const FORMAT_OPTIONS = {
  files: z
    .exactOptional(filePattern)
    .describe('Pattern of the names of shards, such as train-*; all when absent, which must then be one series.'),
  labels: z
    .exactOptional(innerPath)
    .describe('labels.json (id, name, parents), or a .txt file with a class name a line, relative to the source path.'),
}
export type FormatOption = keyof typeof FORMAT_OPTIONS

interface FormatDeclaration {
  readonly name: string
  readonly description: string
  readonly options: readonly FormatOption[]
}

export const DATA_FORMATS = [
  { name: 'tfrecord', description: 'shards of tf.train.Example', options: ['files', 'labels'] },
  { name: 'imagenet-folder', description: 'a folder of images for each class', options: ['labels'] },
  {
    name: 'webdataset',
    description: 'tar shards of pictures with a .cls or .json beside each',
    options: ['files', 'labels'],
  },
] as const satisfies readonly FormatDeclaration[]

export type DataFormatName = (typeof DATA_FORMATS)[number]['name']
export const FORMAT_NAMES: readonly DataFormatName[] = DATA_FORMATS.map(({ name }) => name)

export const dataFormat = z
  .enum(FORMAT_NAMES)
  .describe(DATA_FORMATS.map(({ name, description }) => `${name}: ${description}.`).join(' '))

export function formatsWith(option: FormatOption): DataFormatName[] {
  const formats: readonly (FormatDeclaration & { name: DataFormatName })[] = DATA_FORMATS
  return formats.filter(({ options }) => options.includes(option)).map(({ name }) => name)
}
