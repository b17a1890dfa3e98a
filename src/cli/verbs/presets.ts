/** `downpour presets`: lists the values of `spec.preset`, and the fields that each one fills in. */
import type { Command } from 'commander'
import { FINETUNE_RECIPES, PRETRAIN_RECIPES, type Recipe } from '../../api/presets.ts'
import type { JobKind } from '../../contract/names.ts'
import { type CliIo, exitWith, processIo } from '../io.ts'
import { table } from '../table.ts'

const RECIPES: Readonly<Record<JobKind, Readonly<Record<string, Recipe>>>> = {
  PretrainJob: PRETRAIN_RECIPES,
  FinetuneJob: FINETUNE_RECIPES,
}
const HEAD = [
  'PRESET',
  'KIND',
  'TASK',
  'MODEL',
  'CLASSES',
  'PIXELS',
  'BATCH',
  'OPTIMIZER',
  'STEPS',
  'SERVERS',
  'WORKERS',
]

export function presetNames(): Record<JobKind, string[]> {
  return { PretrainJob: Object.keys(RECIPES.PretrainJob), FinetuneJob: Object.keys(RECIPES.FinetuneJob) }
}

export function register(command: Command): void {
  command.action(() => exitWith(listPresets(processIo())))
}

/** @returns the exit code */
export function listPresets({ out }: Pick<CliIo, 'out'>): number {
  const rows = Object.entries(RECIPES).flatMap(([kind, recipes]) =>
    Object.entries(recipes).map(([name, recipe]) => [name, kind, ...cellsOf(recipe)]),
  )
  for (const line of table([HEAD, ...rows])) out.write(`${line}\n`)
  out.write(
    [
      '',
      'PIXELS: the side of the crop; height × width of the crop around a person; short / long side of a detector at most.',
      'Fields of the spec override the preset, and spec.task replaces its task as a whole; `-`: the preset does not set it.',
      '`downpour render FILE` prints the result.',
      '',
    ].join('\n'),
  )
  return 0
}

function cellsOf({ task, model, input, batchSize, optimizer, maxSteps, parameterServer, workers }: Recipe): string[] {
  const numbers = [task?.type, model?.backbone, task?.classes, pixelsOf(input), batchSize]
  return [...numbers, optimizer?.type, maxSteps, parameterServer?.replicas, workers?.replicas].map((value) =>
    String(value ?? '-'),
  )
}

/** Side of a square crop, height×width of any other, or short/long side of whole pictures; undefined: not set. */
function pixelsOf(input: Recipe['input'] = {}): unknown {
  const { cropPixels, cropHeightPixels, cropWidthPixels, shortSidePixels, longSidePixels } = input
  if (cropHeightPixels !== undefined) return `${cropHeightPixels}×${cropWidthPixels}`
  return shortSidePixels === undefined ? cropPixels : `${shortSidePixels}/${longSidePixels}`
}
