/** The network of a checkpoint: what its manifest says, completed by options and by the shapes of its variables. */
import type { Manifest } from '../../checkpoint/manifest.ts'
import type { RuntimeConfig, TaskConfig } from '../../contract/runtime.ts'
import { Model } from '../../contract/training.ts'
import { DownpourError } from '../../support/errors.ts'
import type { VariableSpec } from '../../support/variables.ts'
import { declarationOf } from '../../tasks/declarations.ts'
import { createTask } from '../../tasks/registry.ts'
import type { Task } from '../../tasks/task.ts'
import { type CheckpointFlags, TASK_TYPES } from './checkpoint-flags.ts'

export interface CheckpointModel {
  readonly config: Pick<RuntimeConfig, 'task' | 'model' | 'protocol' | 'batchNorm'>
  readonly task: Task
  /** What had to be assumed. */
  readonly warnings: readonly string[]
}

type Wishes = Pick<CheckpointFlags, 'task' | 'classes' | 'backbone' | 'variant' | 'resize' | 'crop' | 'personBoxes'>

/** Of the presets, for checkpoints of versions that do not say it. */
const DEFAULT_EPSILON = 1e-5
/** Torchvision's evaluation of tasks that resize to a square; jobs of this program have their own input in the checkpoint. */
const TORCHVISION_INPUT = { resizePixels: 256, cropPixels: 224 }
/** Options that set a field of the input. */
const INPUT_FLAGS: Readonly<Record<string, string>> = {
  resizePixels: '--resize',
  cropPixels: '--crop',
  personBoxes: '--person-boxes',
}
const HEAD = /^head\/slice_\d+\/weights$/

/** @param wishes paths are relative to the data. @throws DownpourError CHECKPOINT_OTHER_MODEL, CHECKPOINT_OTHER_TASK, CHECKPOINT_NO_TASK, OPTION_UNUSED, CONFIG_INVALID */
export async function modelOf(folder: string, manifest: Manifest, wishes: Wishes): Promise<CheckpointModel> {
  const { model } = manifest
  const warnings: string[] = []
  if (model && wishes.backbone && wishes.backbone !== model.backbone)
    throw otherModel(`${folder} is a checkpoint of ${model.backbone}, and --backbone is ${wishes.backbone}`)
  if (model && wishes.variant && wishes.variant !== model.variant)
    throw otherModel(`${folder} is a checkpoint of variant ${model.variant}, and --variant is ${wishes.variant}`)
  const variant = model?.variant ?? wishes.variant ?? 'slim'
  if (!model && !wishes.variant)
    warnings.push('the checkpoint does not say the variant of its network: slim is assumed')
  if (model?.batchNormEpsilon === undefined)
    warnings.push(`the checkpoint does not say its batch norm epsilon: ${DEFAULT_EPSILON} is assumed`)
  const common = {
    task: taskOf(folder, manifest, wishes),
    protocol: 'finetune' as const,
    batchNorm: { decay: 0, epsilon: model?.batchNormEpsilon ?? DEFAULT_EPSILON },
  }
  const backbone = model?.backbone ?? wishes.backbone
  const candidates = backbone === undefined ? Model.shape.backbone.options : [backbone]
  const fits = await fitting(
    folder,
    manifest,
    common,
    candidates.map((name) => knownModel(folder, name, variant)),
  )
  return { ...fits, warnings }
}

function taskOf(folder: string, manifest: Manifest, wishes: Wishes): TaskConfig {
  const { task: stored, model } = manifest
  if (stored && wishes.task && wishes.task !== stored.type) {
    const message = `${folder} is a checkpoint of task ${stored.type}, and --task is ${wishes.task}`
    throw new DownpourError('CHECKPOINT_OTHER_TASK', message, { folder })
  }
  const type = stored?.type ?? wishes.task
  if (type === undefined) {
    const message = `${folder} does not say its task: add --task, one of ${TASK_TYPES.join(', ')}`
    throw new DownpourError('CHECKPOINT_NO_TASK', message, { folder })
  }
  const options = optionsOf(folder, manifest, type)
  mustHaveClasses(folder, wishes.classes, options.classes)
  const isSquare = 'resizePixels' in declarationOf(type).input.shape
  const byDefault = isSquare && model?.variant === 'torchvision' ? TORCHVISION_INPUT : {}
  const { resize: resizePixels, crop: cropPixels, personBoxes } = wishes
  const given = {
    ...(resizePixels && { resizePixels }),
    ...(cropPixels && { cropPixels }),
    ...(personBoxes && { personBoxes }),
  }
  mustHaveFields(type, Object.keys(given))
  return { type, options, input: { ...byDefault, ...stored?.input, ...given } }
}

/** Without a stored task, the slices of the last layer tell its options. */
function optionsOf(folder: string, { task, layout }: Manifest, type: string): Record<string, unknown> {
  if (task) return task.options
  if (!('classes' in declarationOf(type).options.shape)) return {}
  const slices = layout.variables.filter(({ name }) => HEAD.test(name))
  if (slices.length > 0) {
    return { classes: slices.reduce((sum, { shape }) => sum + (shape.at(-1) ?? 0), 0), headSlices: slices.length }
  }
  throw otherModel(`${folder} has no last layer (head/slice_0/weights), which task ${type} needs`)
}

function mustHaveFields(type: string, fields: readonly string[]): void {
  const { input } = declarationOf(type)
  const unknown = fields.find((field) => !Object.hasOwn(input.shape, field))
  if (unknown === undefined) return
  const known = Object.keys(input.shape).join(', ')
  const message = `${INPUT_FLAGS[unknown]}: task ${type} has no input.${unknown}; its input has ${known}`
  throw new DownpourError('OPTION_UNUSED', message, { type })
}

function mustHaveClasses(folder: string, wanted: number | undefined, found: unknown): void {
  if (wanted === undefined || wanted === found) return
  throw otherModel(`${folder} is a checkpoint of a model with ${found ?? 'no'} classes, and --classes is ${wanted}`)
}

function knownModel(folder: string, backbone: string, variant: string): Model {
  const parsed = Model.safeParse({ backbone, variant })
  if (parsed.success) return parsed.data
  const known = Model.shape.backbone.options.join(', ')
  throw otherModel(`${folder} is a checkpoint of ${backbone} (variant ${variant}); this version knows ${known}`)
}

/** The first of the models whose variables are in the checkpoint, with their shapes. */
async function fitting(
  folder: string,
  { layout }: Manifest,
  common: Omit<CheckpointModel['config'], 'model'>,
  models: readonly Model[],
): Promise<Omit<CheckpointModel, 'warnings'>> {
  const reasons: string[] = []
  for (const model of models) {
    const config = { ...common, model }
    const task = await createTask(config)
    const reason = differenceOf(task.variables, layout.variables)
    if (reason === undefined) return { config, task }
    reasons.push(`${model.backbone}: ${reason}`)
  }
  throw otherModel(`${folder} is a checkpoint of another network than ${reasons.join('; ')}`)
}

function differenceOf(wanted: readonly VariableSpec[], stored: Manifest['layout']['variables']): string | undefined {
  const shapes = new Map(stored.map(({ name, shape }) => [name, shape]))
  for (const { name, shape } of wanted) {
    const found = shapes.get(name)
    if (found === undefined) return `it has no variable ${name}`
    if (String(found) !== String(shape)) return `its ${name} is ${found.join('×')}, expected ${shape.join('×')}`
  }
  return undefined
}

function otherModel(message: string): DownpourError {
  return new DownpourError('CHECKPOINT_OTHER_MODEL', message)
}
