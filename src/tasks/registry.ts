/**
 * The programs of all tasks, imported when a job needs one; `declarations.ts` lists their declarations. The loader's
 * thread imports this file for `createInput`, so tfjs is imported in `createTask` only.
 */
import type { RuntimeConfig, TaskConfig } from '../contract/runtime.ts'
import type { AnnotationKinds } from '../data/dataset.ts'
import type { InputPipeline } from '../input/pipeline.ts'
import { type Declared, declarationOf, type TaskType } from './declarations.ts'
import type { BuildBackbone, Task } from './task.ts'
import type { TaskData } from './task-data.ts'

type Pipeline<A> = InputPipeline<A, unknown>

/** @template A the annotation of a picture */
interface TaskEntry<A = unknown> {
  input(): Promise<{ createInput(fields: unknown, data: TaskData): Pipeline<A> | Promise<Pipeline<A>> }>
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
  'coco-pose': { input: () => import('./coco-pose/input.ts'), task: () => import('./coco-pose/task.ts') },
  'object-count': { input: () => import('./object-count/input.ts'), task: () => import('./object-count/task.ts') },
  'coco-detection': {
    input: () => import('./coco-detection/input.ts'),
    task: () => import('./coco-detection/task.ts'),
  },
  'voc-detection': { input: () => import('./voc-detection/input.ts'), task: () => import('./voc-detection/task.ts') },
  'voc-segmentation': {
    input: () => import('./voc-segmentation/input.ts'),
    task: () => import('./voc-segmentation/task.ts'),
  },
}

/**
 * @param data about the open data set
 * @throws DownpourError CONFIG_INVALID; the task's own codes for a data set that it cannot learn from
 */
export async function createInput(
  { type, options, input }: TaskConfig,
  data: Omit<TaskData, 'options'>,
): Promise<Pipeline<unknown>> {
  const { createInput } = await entryOf(type).input()
  return createInput(input, { ...data, options })
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
