import type { RuntimeConfig } from '../contract/runtime.ts'
import type { Model } from '../models/model.ts'
import { buildModel } from '../models/resnet.ts'
import { declarationOf } from './declarations.ts'
import { imagenetClassificationTask } from './imagenet-classification/task.ts'
import { multiLabelTask } from './multi-label/task.ts'
import type { Task } from './task.ts'

/** @throws DownpourError CONFIG_INVALID */
export function createTask({ task }: Pick<RuntimeConfig, 'task'>): Task {
  return isMultiLabel(task) ? multiLabelTask : imagenetClassificationTask
}

/** What the task trains. @throws DownpourError CONFIG_INVALID */
export function buildTaskModel(config: Pick<RuntimeConfig, 'task' | 'model' | 'protocol' | 'batchNorm'>): Model {
  const { task, model, protocol, batchNorm } = config
  return buildModel({ ...model, protocol, batchNorm, loss: isMultiLabel(task) ? 'logistic' : 'softmax' })
}

function isMultiLabel(task: string): boolean {
  return declarationOf(task).type === 'multi-label'
}
