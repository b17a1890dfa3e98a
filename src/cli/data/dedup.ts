/** `downpour data dedup`. */
import { type Command, InvalidArgumentError, Option } from 'commander'
import { type DataFormatName, FORMAT_NAMES } from '../../contract/data-formats.ts'
import { backend, Model } from '../../contract/training.ts'
import type { DedupOptions } from '../../dedup/dedup.ts'
import { EMBEDDING_THRESHOLD, type Method, PERCEPTUAL_THRESHOLD } from '../../dedup/method.ts'
import { sha256Of } from '../../support/digest.ts'
import { printableText } from '../../support/printable.ts'
import { countProgress } from '../count-progress.ts'
import { positiveNumber, positiveWholeNumber, wholeNumber } from '../flag-values.ts'
import { untilInterrupted } from '../interrupt.ts'
import { type CliIo, exitWith, processIo } from '../io.ts'
import { type MethodFlags, methodsOf } from './dedup-methods.ts'
import { jsonOf, linesOf, type TextFlags } from './dedup-text.ts'
import { addFormatFlags, type FormatFlags, formatOptionsOf } from './format-flags.ts'

interface Flags extends MethodFlags, TextFlags, FormatFlags {
  train: string[]
  test: string
  format?: DataFormatName
  testFormat?: DataFormatName
  maxCorrupt: number
  json?: boolean
}

const HELP = `
The list has a line for each test picture with a copy: its id, the id of the training picture, the method and the
distance, separated by tabs. spec.evaluation.exclude of a job reads it.

An interrupted search continues when the same command is repeated; FILE.partial keeps its state.`

export function registerDedup(data: Command): void {
  const format = (flags: string, text: string) => new Option(flags, text).choices(FORMAT_NAMES)
  const command = data
    .command('dedup')
    .description('find near-duplicates of a test set among training pictures, and write a list of them')
    .requiredOption('--train <dir>', 'a folder with training data; repeat it for several', collect)
    .requiredOption('--test <dir>', 'the folder with the test set')
    .requiredOption('--out <file>', 'the list to write')
    .option('--threshold <distance>', 'greatest distance of a copy, from 0 (equal)', distance, PERCEPTUAL_THRESHOLD)
    .addOption(format('--format <format>', 'format of the training data (default: detected)'))
    .addOption(format('--test-format <format>', 'format of the test set (default: detected)'))
    .option('--max-corrupt <n>', 'damaged records that are skipped on each side', wholeNumber, 100)
    .option('--checkpoint <dir>', 'also compare features of the backbone of this checkpoint')
    .addOption(new Option('--method <method>', 'use this method alone').choices(['perceptual', 'embedding']))
    .option(
      '--embedding-threshold <distance>',
      `greatest 1 - cosine of a copy (default: ${EMBEDDING_THRESHOLD})`,
      distance,
    )
    .addOption(
      new Option('--backbone <name>', 'network of a checkpoint of an older version, which does not store it').choices(
        Model.shape.backbone.options,
      ),
    )
    .addOption(
      new Option('--variant <name>', 'variant of such a network (default: slim)').choices(
        Model.shape.variant.unwrap().options,
      ),
    )
    .option(
      '--pixels <n>',
      'side of the square that the backbone sees (default: 224; resnet-mini: 32)',
      positiveWholeNumber,
    )
    .addOption(new Option('--backend <name>', 'what computes the features').choices(backend.options).default('auto'))
    .option('--json', 'print the result as one JSON document')
    .addHelpText('after', HELP)
    .action((flags: Flags) => exitWith(dedup(flags, processIo())))
  addFormatFlags(command)
}

function collect(folder: string, before: string[] | undefined): string[] {
  return [...(before ?? []), folder]
}

function distance(text: string): number {
  const value = positiveNumber(text)
  if (value < 1) return value
  throw new InvalidArgumentError('expected a number between 0 and 1')
}

/** SIGINT and SIGTERM stop it; the same command continues then. @returns the exit code */
function dedup(flags: Flags, io: CliIo): Promise<number> {
  const progress = progressOf(io)
  const search = async (signal: AbortSignal) => {
    try {
      const { findDuplicates } = await import('../../dedup/dedup.ts')
      const { methods, facts } = await methodsOf(flags)
      const options = optionsOf(flags, methods, facts)
      const report = await findDuplicates({ ...options, onProgress: progress.show, signal })
      progress.end()
      if (flags.json) io.out.write(`${JSON.stringify(jsonOf(report, flags), null, 2)}\n`)
      else for (const line of linesOf(report, flags)) io.out.write(`${printableText(line)}\n`)
      return 0
    } finally {
      progress.end()
    }
  }
  const stopped = `stopped; ${flags.out} was not written; the same command continues the search\n`
  return untilInterrupted(search, () => io.err.write(stopped))
}

function optionsOf(flags: Flags, methods: readonly Method[], facts: object): DedupOptions {
  const training = { format: flags.format, options: formatOptionsOf(flags, 'training') }
  const test = { format: flags.testFormat, options: formatOptionsOf(flags, 'test') }
  return {
    training: flags.train.map((folder) => ({ flag: '--train', folder, ...training })),
    test: { flag: '--test', folder: flags.test, ...test },
    out: flags.out,
    methods,
    key: sha256Of(JSON.stringify({ training, test, facts })),
    maxCorrupt: flags.maxCorrupt,
  }
}

/** On standard error, so that standard output has the result alone. */
function progressOf({ err }: CliIo) {
  const bars = { test: countProgress(err, 'parts of the test set'), training: countProgress(err, 'training parts') }
  let last: keyof typeof bars | undefined
  const end = () => {
    if (last) bars[last].end()
    last = undefined
  }
  return {
    show(done: number, total: number, what: keyof typeof bars) {
      if (last !== what) end()
      last = what
      bars[what].show(done, total)
    },
    end,
  }
}
