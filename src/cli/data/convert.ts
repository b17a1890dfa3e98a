/** `downpour data convert`. */
import { type Command, InvalidArgumentError, Option } from 'commander'
import { type DataFormatName, FORMAT_NAMES } from '../../contract/data-formats.ts'
import type { Converted, ConvertOptions } from '../../data/convert/conversion.ts'
import { counted } from '../../support/counted.ts'
import { DownpourError } from '../../support/errors.ts'
import { printable } from '../../support/printable.ts'
import { countProgress } from '../count-progress.ts'
import { positiveWholeNumber, wholeNumber } from '../flag-values.ts'
import { untilInterrupted } from '../interrupt.ts'
import { exitWith } from '../io.ts'
import { sizeText } from '../size-text.ts'

interface Flags {
  to: 'tfrecord'
  out: string
  name?: string
  format?: DataFormatName
  annotations?: string
  images?: string
  imageSet?: string
  labels?: string
  files?: string
  imagesPerShard?: number
  shards?: number
  masks?: boolean
  maxCorrupt: number
}

interface Io {
  out: { write(text: string): unknown; isTTY?: boolean }
}

const SHOWN_DAMAGE = 10
const HELP = `
Records of objects have the keys of the TensorFlow Object Detection API, records of masks those of DeepLab.
Boxes without area, and boxes that reach beyond the picture, are left out and counted.

An interrupted conversion continues when the same command is repeated; conversion.json in OUT keeps its state.`

export function registerConvert(data: Command, io: Io): void {
  data
    .command('convert')
    .description('convert a data set of any format to TFRecord shards with a labels.json')
    .argument('<dir>', 'the folder of the data set')
    .addOption(new Option('--to <format>', 'format to write').choices(['tfrecord']).makeOptionMandatory())
    .requiredOption('--out <dir>', 'a new or empty folder, or that of an interrupted conversion')
    .option('--name <name>', 'of the shards, NAME-00000-of-00010 (default: the name of DIR)')
    .addOption(new Option('--format <format>', 'of DIR (default: detected)').choices(FORMAT_NAMES))
    .option('--annotations <file>', 'annotations file of COCO, relative to DIR')
    .option('--images <dir>', 'folder of the pictures of COCO, relative to DIR')
    .option('--image-set <set>', 'image set of VOC: Main/SET for boxes, Segmentation/SET for masks', imageSet)
    .option('--labels <file>', 'path of labels.json, relative to DIR')
    .option('--files <pattern>', 'read only shards with such names, e.g. "train-*"')
    .addOption(
      new Option('--images-per-shard <n>', 'images of a shard (default: 1000)')
        .argParser(positiveWholeNumber)
        .conflicts('shards'),
    )
    .option('--shards <n>', 'number of shards, instead of --images-per-shard', positiveWholeNumber)
    .option('--masks', 'write the mask of each object, as a PNG in the size of the picture')
    .option('--max-corrupt <n>', 'damaged or missing pictures that are left out before it fails', wholeNumber, 0)
    .addHelpText('after', HELP)
    .action((folder: string, flags: Flags) => exitWith(convert(folder, flags, io)))
}

export function imageSet(value: string): string {
  if (/^(Main|Segmentation)\/[^/]+$/.test(value)) return value
  throw new InvalidArgumentError('expected Main/SET or Segmentation/SET, such as Main/trainval')
}

function convert(folder: string, flags: Flags, { out }: Io): Promise<number> {
  const progress = countProgress(out, 'images')
  let shards = 'no shard is complete'
  const onStopped = () => {
    progress.end()
    out.write(`stopped; ${shards}; run the same command again to go on\n`)
  }
  return untilInterrupted(async (signal) => {
    const { convertData } = await import('../../data/convert/convert.ts')
    const damage: string[] = []
    const given = await optionsOf(folder, flags)
    out.write(`reading ${printable(folder)} as ${given.format}\n`)
    const options: ConvertOptions = {
      ...given,
      signal,
      onProgress: progress.show,
      onShard: (complete, total) => (shards = `${complete} of ${total} shards are complete`),
      onDamage: (where, reason) => damage.push(`${where}: ${reason}`),
    }
    try {
      const converted = await convertData(options)
      progress.end()
      for (const line of summary(converted, flags, damage)) out.write(`${printable(line)}\n`)
      return 0
    } catch (error) {
      if (!signal.aborted) progress.end()
      throw error
    }
  }, onStopped)
}

async function optionsOf(folder: string, flags: Flags): Promise<ConvertOptions> {
  const { name, annotations, images, imageSet: set, labels, files, imagesPerShard, shards } = flags
  return {
    folder,
    format: flags.format ?? (await formatOf(folder)),
    formatOptions: {
      ...(annotations === undefined ? {} : { annotations }),
      ...(images === undefined ? {} : { images }),
      ...(set === undefined ? {} : { imageSet: set }),
      ...(labels === undefined ? {} : { labels }),
      ...(files === undefined ? {} : { files }),
    },
    out: flags.out,
    ...(name === undefined ? {} : { name }),
    size: shards === undefined ? (imagesPerShard === undefined ? {} : { imagesPerShard }) : { shards },
    masks: flags.masks === true,
    maxCorrupt: flags.maxCorrupt,
  }
}

/** @throws DownpourError CONVERT_SEVERAL: DIR contains data sets instead of being one */
async function formatOf(folder: string): Promise<DataFormatName> {
  const { findSets } = await import('../../data/inspect/find-sets.ts')
  const sets = await findSets(folder)
  const [first] = sets
  if (first && sets.length === 1 && first.folder === folder) return first.format
  const found = sets.map((set) => `${printable(set.folder)} (${set.format})`).join(', ')
  throw new DownpourError('CONVERT_SEVERAL', `${folder}: has data sets inside: ${found}; convert each of them`)
}

function summary({ format, shards, resumedShards, bytes, counts }: Converted, flags: Flags, damage: readonly string[]) {
  const { images, damaged, objects, crowds, withKeypoints, withMask, masksLeftOut, withoutArea, outside } = counts
  const parts = [
    [crowds, 'of crowds'],
    [withKeypoints, 'with keypoints'],
    [withMask, 'with a mask'],
  ] as const
  const some = parts.filter(([count]) => count > 0).map(([count, what]) => `${count} ${what}`)
  const leftOut = [
    [withoutArea, 'object without area', 'objects without area'],
    [outside, 'object that reaches beyond its picture', 'objects that reach beyond their picture'],
    [damaged, 'damaged image', 'damaged images'],
  ] as const
  const rest = damaged - Math.min(damage.length, SHOWN_DAMAGE)
  return [
    `converted ${counted(images, 'image')} to ${counted(shards, 'shard')} of ${format} in ${flags.out}, ${sizeText(bytes)}`,
    ...(resumedShards > 0 ? [`  ${counted(resumedShards, 'shard was', 'shards were')} written by an earlier run`] : []),
    ...(format === 'tfrecord-detection' ? [`  ${[counted(objects, 'object'), ...some].join(', ')}`] : []),
    ...leftOut.filter(([count]) => count > 0).map(([count, one, many]) => `  left out: ${counted(count, one, many)}`),
    ...damage.slice(0, SHOWN_DAMAGE).map((text) => `    ${text}`),
    ...(damage.length > 0 && rest > 0 ? [`    and ${rest} more`] : []),
    ...(masksLeftOut > 0 ? [`  masks of ${counted(masksLeftOut, 'object')} are not written; --masks writes them`] : []),
  ]
}
