/**
 * The programs of all tasks, imported when a job needs one; `declarations.ts` lists their declarations. The loader's
 * thread imports this file for `createInput`, so tfjs is imported in `createTask` only.
 */
import type { RuntimeConfig, TaskConfig } from '../contract/runtime.ts'
import type { ClassLabels } from '../data/dataset.ts'
import type { InputPipeline } from '../input/pipeline.ts'
import { declarationOf, type TaskType } from './declarations.ts'
import type { BuildBackbone, Task } from './task.ts'

interface TaskEntry {
  input(): Promise<{ createInput(fields: unknown): InputPipeline<ClassLabels, unknown> }>
  task(): Promise<{ createTask(options: unknown, buildBackbone: BuildBackbone): Task }>
}

const TASKS: Readonly<Record<TaskType, TaskEntry>> = {
  'multi-label': { input: () => import('./multi-label/input.ts'), task: () => import('./multi-label/task.ts') },
  'imagenet-classification': {
    input: () => import('./imagenet-classification/input.ts'),
    task: () => import('./imagenet-classification/task.ts'),
  },
  'object-count': { input: () => import('./object-count/input.ts'), task: () => import('./object-count/task.ts') },
}

/** @throws DownpourError CONFIG_INVALID */
export async function createInput({ type, input }: TaskConfig): Promise<InputPipeline<ClassLabels, unknown>> {
  const { createInput } = await entryOf(type).input()
  return createInput(input)
}

/** @throws DownpourError CONFIG_INVALID */
export async function createTask(
  config: Pick<RuntimeConfig, 'task' | 'model' | 'protocol' | 'batchNorm'>,
): Promise<Task> {
  const { type, options } = config.task
  const [program, { jobBackbone }] = await Promise.all([entryOf(type).task(), import('./job-backbone.ts')])
  return program.createTask(options, jobBackbone(config))
}

function entryOf(type: string): TaskEntry {
  return TASKS[declarationOf(type).type]
}
