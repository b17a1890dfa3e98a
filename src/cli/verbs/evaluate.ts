/** `downpour evaluate`: scores official result files against official ground truth, or a checkpoint on a data set, without a job. */
import { type Command, InvalidArgumentError, Option } from 'commander'
import { counted } from '../../support/counted.ts'
import { DownpourError } from '../../support/errors.ts'
import { printable, printableText } from '../../support/printable.ts'
import { countProgress } from '../count-progress.ts'
import { addCheckpointOptions, type CheckpointFlags, isOfCheckpoint, TASK_TYPES } from '../evaluate/checkpoint-flags.ts'
import { checkPath, readable } from '../evaluate/paths.ts'
import type { OnProgress } from '../evaluate/progress.ts'
import type { Scores } from '../evaluate/scores.ts'
import {
  EVALUATIONS,
  type EvaluateOptions,
  type Evaluation,
  type EvaluationName,
  type TaskOption,
  YEARS,
} from '../evaluate/tasks.ts'
import { type CliIo, exitWith, processIo } from '../io.ts'
import { table } from '../table.ts'

interface Flags extends Omit<EvaluateOptions, 'onProgress'> {
  readonly task: EvaluationName
  readonly json?: boolean
}

const FLAGS: Readonly<Record<TaskOption, string>> = {
  imageSet: '--image-set',
  year: '--year',
  sigmas: '--sigmas',
  labels: '--labels',
  perCategory: '--per-category',
}
/** Tasks of checkpoints whose result files have the official name of their metric. */
const RESULT_TASKS: Readonly<Record<string, EvaluationName | undefined>> = { 'coco-pose': 'coco-keypoints' }
const DIGITS = 4

export function register(command: Command): void {
  const names = [...new Set([...Object.keys(EVALUATIONS), ...TASK_TYPES])]
  command
    .addOption(new Option('--task <task>', 'what is scored; a checkpoint says it itself').choices(names))
    .option('--ground-truth <path>', 'official annotations')
    .option('--predictions <path>', 'results in the official format')
    .option(
      '--image-set <name>',
      'image set of VOC (default: test for boxes, val for masks); with --checkpoint: Main/SET or Segmentation/SET',
    )
    .addOption(
      new Option('--year <year>', 'VOC rules of that year: by eleven points until 2009 (default: 2007)').choices(YEARS),
    )
    .option('--sigmas <list>', "keypoints: a number for each, such as 0.026,0.025 (default: COCO's 17)", sigmasOf)
    .option(
      '--labels <file>',
      'multi-label: labels.json with the parents of each label; with --checkpoint: labels of the data',
    )
    .option('--per-category', 'show the first number for each category, too')
    .option(
      '--json',
      'print one JSON object: { task, images, summary, byCategory, warnings }; of a checkpoint: { checkpoint, task, model, metrics, examples, reduced, warnings }',
    )
    .addHelpText('after', `\nTasks:\n${table(Object.entries(EVALUATIONS).flatMap(helpRows)).join('\n')}`)
    .action((flags: Flags | CheckpointFlags) => exitWith(evaluateEither(flags, processIo())))
  addCheckpointOptions(command)
}

/** A checkpoint needs tfjs, which is loaded for it alone. */
async function evaluateEither(flags: Flags | CheckpointFlags, io: CliIo): Promise<number> {
  if (!isOfCheckpoint(flags)) {
    if (Object.hasOwn(EVALUATIONS, flags.task)) return evaluate(flags, io)
    const other = RESULT_TASKS[flags.task]
    const files = other === undefined ? 'has no result files' : `its result files are scored by --task ${other}`
    throw new DownpourError('OPTION_UNUSED', `--task ${flags.task}: ${files}; a checkpoint, by --checkpoint and --data`)
  }
  const { scoreCheckpoint } = await import('../evaluate/checkpoint.ts')
  return scoreCheckpoint(flags, io)
}

function helpRows([name, { description, groundTruth, predictions }]: [string, Evaluation]): string[][] {
  return [
    [`  ${name}`, description],
    ['', `ground truth: ${groundTruth[1]}`],
    ['', `predictions: ${predictions[1]}`],
  ]
}

function sigmasOf(text: string): number[] {
  const sigmas = text.split(',').map(Number)
  if (sigmas.every((sigma) => Number.isFinite(sigma) && sigma > 0)) return sigmas
  throw new InvalidArgumentError('Expected numbers above 0, separated by commas.')
}

/**
 * Prints the scores to `out`, warnings and progress to `err`. @returns the exit code
 * @throws DownpourError OPTION_UNUSED, FILE_UNREADABLE, and those of the files' readers
 */
export async function evaluate(flags: Flags, { out, err }: Pick<CliIo, 'out' | 'err'>): Promise<number> {
  const evaluation: Evaluation = EVALUATIONS[flags.task]
  refuseUnused(flags, evaluation)
  await checkPath(flags.groundTruth, ...evaluation.groundTruth)
  await checkPath(flags.predictions, ...evaluation.predictions)
  const scores = await scoresOf(flags, evaluation, err)
  for (const warning of scores.warnings) err.write(`downpour: warning: ${printableText(warning)}\n`)
  if (flags.json) out.write(`${JSON.stringify({ task: flags.task, ...scores }, null, 2)}\n`)
  else for (const line of linesOf(scores, flags.perCategory ?? false)) out.write(`${printableText(line)}\n`)
  return 0
}

async function scoresOf(flags: Flags, evaluation: Evaluation, err: CliIo['err']): Promise<Scores> {
  const progresses = new Map<string, ReturnType<typeof countProgress>>()
  const onProgress: OnProgress = (done, total, what) => {
    const progress = progresses.get(what) ?? countProgress(err, what)
    progresses.set(what, progress)
    progress.show(done, total)
  }
  try {
    return await evaluation.score({ ...flags, onProgress })
  } catch (error) {
    throw readable(error)
  } finally {
    for (const progress of progresses.values()) progress.end()
  }
}

/** An option without effect would let a user believe that it had one. */
function refuseUnused(flags: Flags, { takes }: Evaluation): void {
  for (const option of Object.keys(FLAGS) as TaskOption[]) {
    if (flags[option] === undefined || takes.includes(option)) continue
    throw new DownpourError('OPTION_UNUSED', `${FLAGS[option]}: --task ${flags.task} does not use it`)
  }
}

function linesOf({ summary, byCategory, images }: Scores, perCategory: boolean): string[] {
  const rowsOf = (values: Readonly<Record<string, number>>) =>
    Object.entries(values).map(([name, value]) => [
      printable(name),
      Number.isNaN(value) ? 'not defined' : value.toFixed(DIGITS),
    ])
  const [headline = ''] = Object.keys(summary)
  // mAP and mIOU are means over categories.
  const ofOne = headline.replace(/^m(?=[A-Z])/, '')
  const categories = perCategory ? ['', ...table([['category', ofOne], ...rowsOf(byCategory)])] : []
  return [...table(rowsOf(summary)), counted(images, 'image'), ...categories]
}
