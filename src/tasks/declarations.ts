/** Every task that there is; api, plan, operator and cli know tasks by this list alone. */
import type { MetricSpec } from '../contract/metrics.ts'
import { DownpourError } from '../support/errors.ts'
import type { TaskDeclaration } from './declaration.ts'
import { imagenetClassification } from './imagenet-classification/declaration.ts'
import { multiLabel } from './multi-label/declaration.ts'

export const DECLARATIONS = [multiLabel, imagenetClassification] as const satisfies readonly TaskDeclaration[]
export type TaskType = (typeof DECLARATIONS)[number]['type']

/** @throws DownpourError CONFIG_INVALID */
export function declarationOf(type: string): TaskDeclaration {
  const found = DECLARATIONS.find((one) => one.type === type)
  if (found) return found
  const known = DECLARATIONS.map((one) => one.type).join(', ')
  throw new DownpourError('CONFIG_INVALID', `task.type: ${type}: expected one of ${known}`, { type })
}

/** @param name absent: the headline. @throws DownpourError CONFIG_INVALID */
export function metricOf(type: string, name?: string): MetricSpec {
  const { metrics } = declarationOf(type)
  const found = name === undefined ? metrics[0] : metrics.find((one) => one.name === name)
  if (found) return found
  const known = metrics.map((one) => one.name).join(', ')
  throw new DownpourError('CONFIG_INVALID', `evaluation.metric: ${name}: task ${type} has ${known}`, { type, name })
}

/** @throws DownpourError CONFIG_INVALID */
export function metricNames(type: TaskType): [string, ...string[]] {
  const [first, ...others] = declarationOf(type).metrics
  return [first.name, ...others.map(({ name }) => name)]
}
