/**
 * The programs of all tasks, imported when a job needs one; `declarations.ts` lists their declarations. The loader's
 * thread imports this file for `createInput`, so tfjs is imported in `createTask` only.
 */
import type { RuntimeConfig, TaskConfig } from '../contract/runtime.ts'
import type { AnnotationKinds } from '../data/dataset.ts'
import type { Label } from '../data/labels.ts'
import type { InputPipeline } from '../input/pipeline.ts'
import { type Declared, declarationOf, type TaskType } from './declarations.ts'
import type { BuildBackbone, Task } from './task.ts'

/** What a pipeline may check the data against, before it reads a picture. */
export interface TaskData {
  /** `options` of the task. */
  readonly options: unknown
  /** Of the data set that was opened, not yet matched with the classes of the job. */
  readonly labels: readonly Label[]
}

/** @template A the annotation of a picture */
interface TaskEntry<A = unknown> {
  input(): Promise<{ createInput(fields: unknown, data: TaskData): InputPipeline<A, unknown> }>
  task(): Promise<{ createTask(options: unknown, buildBackbone: BuildBackbone): Task }>
}
type Entries = {
  readonly [T in TaskType]: TaskEntry<AnnotationKinds[Extract<Declared, { type: T }>['annotates']]>
}

const TASKS: Entries = {
  'multi-label': { input: () => import('./multi-label/input.ts'), task: () => import('./multi-label/task.ts') },
  'imagenet-classification': {
    input: () => import('./imagenet-classification/input.ts'),
    task: () => import('./imagenet-classification/task.ts'),
  },
  'object-count': { input: () => import('./object-count/input.ts'), task: () => import('./object-count/task.ts') },
}

/**
 * @param labels of the open data set
 * @throws DownpourError CONFIG_INVALID; the task's own codes for a data set that it cannot learn from
 */
export async function createInput(
  { type, options, input }: TaskConfig,
  labels: readonly Label[],
): Promise<InputPipeline<unknown, unknown>> {
  const { createInput } = await entryOf(type).input()
  return createInput(input, { options, labels })
}

/** @throws DownpourError CONFIG_INVALID */
export async function createTask(
  config: Pick<RuntimeConfig, 'task' | 'model' | 'protocol' | 'freeze' | 'batchNorm'>,
): Promise<Task> {
  const { type, options } = config.task
  const [program, { jobBackbone }] = await Promise.all([entryOf(type).task(), import('./job-backbone.ts')])
  return program.createTask(options, jobBackbone(config))
}

function entryOf(type: string): TaskEntry {
  return TASKS[declarationOf(type).type]
}
