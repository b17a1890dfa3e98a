/** `downpour data make|inspect|convert|dedup`. */
import { type Command, Option } from 'commander'
import { type DataFormatName, FORMAT_NAMES } from '../../contract/data-formats.ts'
import type { DataReport, Refusal, Verdict } from '../../data/inspect/inspect.ts'
import { DownpourError } from '../../support/errors.ts'
import { imageSet, registerConvert } from '../data/convert.ts'
import { registerDedup } from '../data/dedup.ts'
import { registerMake } from '../data/make.ts'
import { positiveWholeNumber } from '../flag-values.ts'

/** Output of the two verbs; by default standard output. */
export interface DataIo {
  out: { write(text: string): unknown; isTTY?: boolean }
}

interface InspectOptions {
  format?: DataFormatName
  labels?: string
  files?: string
  annotations?: string
  images?: string
  imageSet?: string
  json?: boolean
  samples?: string
  limit?: number
}

/** Exit codes of `data inspect`. Any other error ends with 1, too. */
const INSPECT_EXIT_CODES: Readonly<Record<Verdict, number>> = { whole: 0, damaged: 1, refused: 1, incomplete: 2 }
const EXIT_CODES = `
Exit codes:
  0  all data can be read
  1  records are damaged, or training would refuse the folder
  2  no damage, but files that look like data are not read (marked "!"), or the parts have different classes`

export function register(data: Command, io: DataIo = { out: process.stdout }): void {
  registerMake(data, io)
  data
    .command('inspect')
    .description(
      'count files, records, labels or objects, damaged records and files that are not read, and draw samples',
    )
    .argument(
      '<dir>',
      'a folder with TFRecord or WebDataset shards, with class folders, or of COCO or VOC, or a folder of such folders',
    )
    .addOption(new Option('--format <format>', 'default: detected from the files').choices(FORMAT_NAMES))
    .option(
      '--labels <file>',
      'path of labels.json, of a .txt file with a class name in each line, or of a label map (.pbtxt), relative to DIR',
    )
    .option(
      '--files <pattern>',
      'read only shards with such names, e.g. "train-*" (default: all; they must be one series)',
    )
    .option('--annotations <file>', 'annotations file of COCO, relative to DIR (default: each that is found)')
    .option('--images <dir>', 'folder of the pictures of COCO, relative to DIR')
    .option('--image-set <set>', 'image set of VOC: Main/SET or Segmentation/SET (default: each)', imageSet)
    .option(
      '--samples <dir>',
      'write a contact sheet of images with what is annotated, and an index of it, to this folder',
    )
    .option('--limit <n>', 'read only the first N records', positiveWholeNumber)
    .option('--json', 'print the report as one JSON document')
    .addHelpText('after', EXIT_CODES)
    .action((folder: string, options: InspectOptions) => inspect(folder, options, io))
  registerConvert(data, io)
  registerDedup(data)
}

async function inspect(folder: string, { json, ...options }: InspectOptions, { out }: DataIo): Promise<void> {
  const { inspectData, verdictOf } = await import('../../data/inspect/inspect.ts')
  const { differencesOf, isRefusal, refusalLines, reportJson, reportLines } = await import(
    '../../data/inspect/report.ts'
  )
  const { countProgress } = await import('../count-progress.ts')
  const progress = countProgress(out, 'parts')
  // A pipe receives the report alone.
  const onProgress = out.isTTY && !json ? progress.show : undefined
  const reports: (DataReport | Refusal)[] = await inspectData({ folder, ...options, onProgress }).catch((error) => {
    if (json && error instanceof DownpourError) return [{ verdict: 'refused', folder, part: undefined, error }]
    throw error
  })
  progress.end()
  const [first] = reports
  if (!json && reports.length === 1 && first && isRefusal(first)) throw first.error
  if (json) out.write(`${JSON.stringify(reportJson(reports), null, 2)}\n`)
  const lines = json ? [] : reports.flatMap((one) => (isRefusal(one) ? refusalLines(one) : reportLines(one)))
  const differences = differencesOf(reports)
  if (!json) lines.push(...differences)
  out.write(lines.map((line) => `${line}\n`).join(''))
  process.exitCode = INSPECT_EXIT_CODES[verdictOf(reports, differences)]
}
