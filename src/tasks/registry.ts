/** The programs of every task, loaded when a job has the task. Their declarations are a list of their own. */
import type { RuntimeConfig } from '../contract/runtime.ts'
import { type Backbone, buildBackbone } from '../models/backbone.ts'
import { declarationOf, type TaskType } from './declarations.ts'
import type { Task } from './task.ts'

interface TaskEntry {
  task(): Promise<{ createTask(options: unknown, backbone: Backbone): Task }>
}

const TASKS: Readonly<Record<TaskType, TaskEntry>> = {
  'multi-label': { task: () => import('./multi-label/task.ts') },
  'imagenet-classification': { task: () => import('./imagenet-classification/task.ts') },
}

/** @throws DownpourError CONFIG_INVALID */
export async function createTask(
  config: Pick<RuntimeConfig, 'task' | 'model' | 'protocol' | 'batchNorm'>,
): Promise<Task> {
  const { task, model, protocol, batchNorm } = config
  const { createTask } = await TASKS[declarationOf(task.type).type].task()
  const freeze = protocol === 'frozen' ? 'all' : 'none'
  const { epsilon } = batchNorm
  return createTask(task.options, buildBackbone({ name: model.backbone, freeze, batchNorm: { epsilon } }))
}
