/** `downpour data make`. */
import { Argument, type Command, Option } from 'commander'
import { DATA_KINDS } from '../../data/generate/kinds.ts'
import { findKind, makeDataSet, optionName, planOf } from '../../data/generate/make-data-set.ts'
import { countProgress } from '../count-progress.ts'
import { positiveWholeNumber, wholeNumber } from '../flag-values.ts'
import { untilInterrupted } from '../interrupt.ts'
import { exitWith } from '../io.ts'

interface Io {
  out: { write(text: string): unknown; isTTY?: boolean }
}

/** The other fields are sizes. */
interface Flags {
  out: string
  seed: number
  [size: string]: unknown
}

const KINDS = `
Kinds:
${DATA_KINDS.map(({ name, description }) => `  ${name.padEnd(18)} ${description}`).join('\n')}`

export function registerMake(data: Command, io: Io): void {
  const make = data
    .command('make')
    .description('generate a data set; the same seed gives the same bytes')
    .addArgument(new Argument('<kind>', 'what to make').choices(DATA_KINDS.map(({ name }) => name)))
    .requiredOption('--out <dir>', 'a new or empty folder; dataset.json is written last')
    .option('--seed <n>', 'seed of the images and labels', wholeNumber, 0)
    .addHelpText('after', KINDS)
  for (const option of sizeOptions()) make.addOption(option)
  make.action((kind: string, flags: Flags) => exitWith(makeKind(kind, flags, io)))
}

/** One option for each size; several kinds may have it. */
function sizeOptions(): Option[] {
  const names = new Set(DATA_KINDS.flatMap(({ sizes }) => Object.keys(sizes)))
  return [...names].map((size) => {
    const kinds = DATA_KINDS.filter(({ sizes }) => size in sizes)
    const { description = '', standard } = kinds[0]?.sizes[size] ?? {}
    const text = `${description} (${kinds.map(({ name }) => name).join(', ')}; default: ${standard})`
    return new Option(`--${optionName(size)} <n>`, text).argParser(positiveWholeNumber)
  })
}

/** SIGINT and SIGTERM stop it; an unfinished data set is deleted. @returns the exit code */
async function makeKind(name: string, { out: folder, seed, ...flags }: Flags, { out }: Io): Promise<number> {
  const sizes = flags as Readonly<Record<string, number>>
  planOf(findKind(name), sizes)
  const progress = countProgress(out, 'pictures')
  const generate = async (signal: AbortSignal) => {
    try {
      await makeDataSet(name, { out: folder, seed, sizes, onProgress: progress.show, signal })
    } finally {
      progress.end()
    }
    out.write(`made ${name} (seed ${seed}) in ${folder}\n`)
    return 0
  }
  return untilInterrupted(generate, () => out.write('stopped; the unfinished data set was deleted\n'))
}
