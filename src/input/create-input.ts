import type { RuntimeConfig } from '../contract/runtime.ts'
import type { ClassLabels } from '../data/dataset.ts'
import type { InputPipeline } from './pipeline.ts'
import { squareCrop } from './square-crop.ts'

/** What decides how a job turns its data into samples. */
export type InputSelection = Pick<RuntimeConfig, 'task' | 'input'>

/** The pipeline of a task. */
export async function createInput({ input }: InputSelection): Promise<InputPipeline<ClassLabels, ClassLabels>> {
  return squareCrop(input, ({ labels }: ClassLabels) => ({ labels }))
}
