/** Completes a spec: base defaults < preset < fields of the author. */
import type { JobKind } from '../contract/names.ts'
import { type Fields, isFields } from '../support/fields.ts'
import { ownValue, setOwn } from '../support/own.ts'
import { DECLARATIONS } from '../tasks/declarations.ts'
import { fillFrom } from './from.ts'
import { BASE_DEFAULTS, FINETUNE_RECIPES, PRETRAIN_RECIPES, type Recipe } from './presets.ts'
import { DEFAULT_TASK } from './task.ts'

const DEFAULT_CHECKPOINT_EVERY_STEPS = 1000

/** The spec with defaults and preset filled in. It is not validated. */
export function fillSpec(kind: string, spec: Fields): Fields {
  const own = withTaskType(kind, spec)
  const filled = [recipeFor(own.task, recipeOf(kind, spec.preset)), own].reduce<Fields>(merge, BASE_DEFAULTS)
  const checkpoint = filled.checkpoint
  if (isFields(checkpoint) && checkpoint.everySteps === undefined && checkpoint.everyMinutes === undefined) {
    filled.checkpoint = { ...checkpoint, everySteps: DEFAULT_CHECKPOINT_EVERY_STEPS }
  }
  return spec.from === undefined ? filled : { ...filled, from: fillFrom(spec.from) }
}

function withTaskType(kind: string, spec: Fields): Fields {
  const type = DEFAULT_TASK[kind as JobKind]
  const { task } = spec
  return type === undefined || !isFields(task) || 'type' in task ? spec : { ...spec, task: { type, ...task } }
}

/** Without the input fields of the preset's task that the author's task does not have. */
function recipeFor(task: unknown, recipe: Recipe): Fields {
  const declaration = isFields(task) ? DECLARATIONS.find(({ type }) => type === task.type) : undefined
  if (!declaration || !recipe.input) return recipe
  const known = Object.entries(recipe.input).filter(([field]) => field in declaration.input.shape)
  return { ...recipe, input: Object.fromEntries(known) }
}

/** What a preset fills; nothing for an unknown one, which a rule refuses. */
export function recipeOf(kind: string, preset: unknown): Recipe {
  const recipes: Record<string, Recipe> = kind === 'PretrainJob' ? PRETRAIN_RECIPES : FINETUNE_RECIPES
  return (typeof preset === 'string' ? ownValue(recipes, preset) : undefined) ?? {}
}

/** Merges objects field by field. Objects with a `type`, lists and scalars are replaced as a whole. */
export function merge(base: Fields, over: Fields): Fields {
  const merged: Fields = { ...base }
  for (const [key, value] of Object.entries(over)) {
    if (value === undefined) continue
    const before = ownValue(merged, key)
    setOwn(merged, key, isFields(before) && isFields(value) && !('type' in before) ? merge(before, value) : value)
  }
  return merged
}
