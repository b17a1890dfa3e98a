/** `downpour data make|inspect`. */
import { type Command, InvalidArgumentError, Option } from 'commander'
import { type DataFormatName, FORMAT_NAMES } from '../../contract/data-formats.ts'
import type { JftMiniSizes } from '../../data/generate/recipe.ts'
import type { DataReport, Refusal, Verdict } from '../../data/inspect/inspect.ts'
import { DownpourError } from '../../support/errors.ts'
import { positiveWholeNumber, wholeNumber } from '../flag-values.ts'

/** Output of the two verbs; by default standard output. */
export interface DataIo {
  out: { write(text: string): unknown; isTTY?: boolean }
}

interface MakeOptions extends Partial<JftMiniSizes> {
  out: string
  seed: number
}

interface InspectOptions {
  format?: DataFormatName
  labels?: string
  files?: string
  json?: boolean
  samples?: string
  limit?: number
}

/** The exit code of a program that was ended by SIGINT: 128 + 2. */
const INTERRUPTED = 130
/** Exit codes of `data inspect`. Any other error ends with 1, too. */
const INSPECTED: Readonly<Record<Verdict, number>> = { whole: 0, damaged: 1, refused: 1, incomplete: 2 }
const EXIT_CODES = `
Exit codes:
  0  all of it is read; what is passed over is no data
  1  records are damaged, or training would refuse the folder
  2  nothing is damaged, but something that looks like data is passed over (marked "!"), or parts differ in classes`

export function register(data: Command, io: DataIo = { out: process.stdout }): void {
  data
    .command('make')
    .description('render a seeded data set: the same bytes for the same seed')
    .argument(
      '<name>',
      'jft-mini: noisy, long-tailed, hierarchical; beside it a clean evaluation and downstream set',
      known,
    )
    .requiredOption('--out <dir>', 'a new folder, or an empty one such as a volume; its dataset.json is written last')
    .option('--seed <n>', 'another seed, another world', wholeNumber, 0)
    .option('--images <n>', 'pre-training images (default: 8000)', positiveWholeNumber)
    .option('--evaluation-images <n>', 'clean images to score pre-training on (default: 600)', positiveWholeNumber)
    .option('--downstream-train-per-class <n>', 'training images a downstream class (default: 20)', positiveWholeNumber)
    .option('--downstream-val-per-class <n>', 'held-out images a downstream class (default: 40)', positiveWholeNumber)
    .action((_name, options: MakeOptions) => make(options, io))
  data
    .command('inspect')
    .description('count files, records, damage and labels, and what is passed over')
    .argument('<dir>', 'a folder of TFRecord shards, or of class folders; or one that holds such folders')
    .addOption(new Option('--format <format>', 'default: what the folder looks like').choices(FORMAT_NAMES))
    .option('--labels <file>', 'labels.json, relative to DIR')
    .option(
      '--files <pattern>',
      'of the names of TFRecord shards, such as "train-*"; default: all, which must be one series',
    )
    .option('--samples <dir>', 'write pictures there: a contact sheet, and an index of their labels')
    .option('--limit <n>', 'look at the first N records only', positiveWholeNumber)
    .option('--json', 'print the report as one JSON document')
    .addHelpText('after', EXIT_CODES)
    .action((folder: string, options: InspectOptions) => inspect(folder, options, io))
}

/** SIGINT and SIGTERM stop it; an unfinished data set is deleted. */
async function make(options: MakeOptions, { out }: DataIo): Promise<void> {
  const { makeJftMini } = await import('../../data/generate/jft-mini.ts')
  const { countProgress } = await import('../count-progress.ts')
  const stop = new AbortController()
  const onInterrupt = () => stop.abort()
  process.once('SIGINT', onInterrupt)
  process.once('SIGTERM', onInterrupt)
  const progress = countProgress(out, 'pictures')
  try {
    await makeJftMini({ ...options, onProgress: progress.show, signal: stop.signal })
    progress.end()
    out.write(`made jft-mini (seed ${options.seed}) in ${options.out}\n`)
  } catch (error) {
    progress.end()
    if (!stop.signal.aborted) throw error
    out.write('stopped; nothing was left behind\n')
    process.exitCode = INTERRUPTED
  } finally {
    process.off('SIGINT', onInterrupt)
    process.off('SIGTERM', onInterrupt)
  }
}

async function inspect(folder: string, { json, ...options }: InspectOptions, { out }: DataIo): Promise<void> {
  const { inspectData, verdictOf } = await import('../../data/inspect/inspect.ts')
  const { differencesOf, isRefusal, refusalLines, reportJson, reportLines } = await import(
    '../../data/inspect/report.ts'
  )
  const reports: (DataReport | Refusal)[] = await inspectData({ folder, ...options }).catch((error) => {
    if (json && error instanceof DownpourError) return [{ verdict: 'refused', folder, error }]
    throw error
  })
  const [first] = reports
  if (!json && reports.length === 1 && first && isRefusal(first)) throw first.error
  if (json) out.write(`${JSON.stringify(reportJson(reports), null, 2)}\n`)
  const lines = json ? [] : reports.flatMap((one) => (isRefusal(one) ? refusalLines(one) : reportLines(one)))
  const differences = differencesOf(reports)
  if (!json) lines.push(...differences)
  out.write(lines.map((line) => `${line}\n`).join(''))
  process.exitCode = INSPECTED[verdictOf(reports, differences)]
}

function known(name: string): string {
  if (name === 'jft-mini') return name
  throw new InvalidArgumentError('the one that can be made is jft-mini')
}
