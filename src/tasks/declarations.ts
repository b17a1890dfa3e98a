/** The list of all tasks. api, plan, operator and cli import this file and declarations only. */
import type { MetricSpec } from '../contract/metrics.ts'
import type { JobKind } from '../contract/names.ts'
import type { TaskConfig } from '../contract/runtime.ts'
import { DownpourError } from '../support/errors.ts'
import { cocoDetection } from './coco-detection/declaration.ts'
import { cocoPose } from './coco-pose/declaration.ts'
import { parseFields, type TaskDeclaration } from './declaration.ts'
import { imagenetClassification } from './imagenet-classification/declaration.ts'
import { multiLabel } from './multi-label/declaration.ts'
import { objectCount } from './object-count/declaration.ts'
import { vocDetection } from './voc-detection/declaration.ts'
import { vocSegmentation } from './voc-segmentation/declaration.ts'

export const DECLARATIONS = [
  multiLabel,
  imagenetClassification,
  objectCount,
  cocoPose,
  cocoDetection,
  vocDetection,
  vocSegmentation,
] as const satisfies readonly TaskDeclaration[]
export type Declared = (typeof DECLARATIONS)[number]
export type TaskType = Declared['type']

/** @throws DownpourError CONFIG_INVALID */
export function declarationOf(type: string): Declared {
  const found = DECLARATIONS.find((one) => one.type === type)
  if (found) return found
  const known = DECLARATIONS.map((one) => one.type).join(', ')
  throw new DownpourError('CONFIG_INVALID', `task.type: ${type}: expected one of ${known}`, { type })
}

/** How many classes the data must have; undefined: the task learns none. @throws DownpourError CONFIG_INVALID */
export function classesOf({ type, options }: Pick<TaskConfig, 'type' | 'options'>): number | undefined {
  const { classes } = parseFields(declarationOf(type).options, options) as { classes?: number }
  return classes
}

/** @param name absent: the headline. @throws DownpourError CONFIG_INVALID */
export function metricOf(type: string, name?: string): MetricSpec {
  const { metrics }: TaskDeclaration = declarationOf(type)
  const found = name === undefined ? metrics[0] : metrics.find((one) => one.name === name)
  if (found) return found
  const known = metrics.map((one) => one.name).join(', ')
  throw new DownpourError('CONFIG_INVALID', `evaluation.metric: ${name}: task ${type} has ${known}`, { type, name })
}

/** The tasks that a job of the kind can have. */
export function declarationsFor(kind: JobKind): readonly TaskDeclaration[] {
  return DECLARATIONS.filter(({ kinds }: TaskDeclaration) => kinds.includes(kind))
}
