/** `downpour evaluate`: scores official result files against official ground truth, without a job or a model. */
import { type Command, Option } from 'commander'
import { DownpourError } from '../../support/errors.ts'
import { printableText } from '../../support/printable.ts'
import {
  EVALUATIONS,
  type EvaluateOptions,
  type Evaluation,
  type EvaluationName,
  type Scores,
} from '../evaluate/tasks.ts'
import { type CliIo, exitWith, processIo } from '../io.ts'
import { table } from '../table.ts'

interface Flags extends Omit<EvaluateOptions, 'onBytes'> {
  readonly task: EvaluationName
  readonly json?: boolean
  readonly perCategory?: boolean
}

const FLAGS = { imageSet: '--image-set', year: '--year' } as const

export function register(command: Command): void {
  const names = Object.keys(EVALUATIONS)
  command
    .addOption(new Option('--task <task>', 'what is scored').choices(names).makeOptionMandatory())
    .requiredOption('--ground-truth <path>', 'official annotations: a file (COCO) or a folder (VOC)')
    .requiredOption('--predictions <path>', 'result files in the official format')
    .option('--image-set <name>', 'image set of VOC (default: test for boxes, val for masks)')
    .addOption(new Option('--year <year>', 'VOC rules of that year: 2007 by eleven points').choices(['2007', '2012']))
    .option('--per-category', 'show the first number for each category, too')
    .option('--json', 'print one JSON object: { task, images, summary, byCategory }')
    .addHelpText('after', `\nTasks:\n${table(Object.entries(EVALUATIONS).flatMap(helpRows)).join('\n')}`)
    .action((flags: Flags) => exitWith(evaluate(flags, processIo())))
}

function helpRows([name, { description, groundTruth, predictions }]: [string, Evaluation]): string[][] {
  return [
    [`  ${name}`, description],
    ['', `ground truth: ${groundTruth}`],
    ['', `predictions: ${predictions}`],
  ]
}

/**
 * Prints the scores. @returns the exit code
 * @throws DownpourError OPTION_UNUSED, and those of the files' readers
 */
export async function evaluate(flags: Flags, { out }: Pick<CliIo, 'out'>): Promise<number> {
  const evaluation: Evaluation = EVALUATIONS[flags.task]
  refuseUnused(flags, evaluation)
  const scores = await evaluation.score(flags)
  if (flags.json) out.write(`${JSON.stringify({ task: flags.task, ...scores }, null, 2)}\n`)
  else for (const line of linesOf(scores, flags.perCategory ?? false)) out.write(`${printableText(line)}\n`)
  return 0
}

/** An option without effect would let a user believe that it had one. */
function refuseUnused(flags: Flags, { takes }: Evaluation): void {
  for (const option of ['imageSet', 'year'] as const) {
    if (flags[option] === undefined || takes.includes(option)) continue
    throw new DownpourError('OPTION_UNUSED', `${FLAGS[option]}: --task ${flags.task} does not use it`)
  }
}

function linesOf({ summary, byCategory, images }: Scores, perCategory: boolean): string[] {
  const rows = perCategory
    ? [...Object.entries(summary), ['', Number.NaN] as const, ...Object.entries(byCategory)]
    : Object.entries(summary)
  return [
    ...table(rows.map(([name, value]) => [name, Number.isNaN(value) ? '' : value.toFixed(4)])),
    `${images} images`,
  ]
}
