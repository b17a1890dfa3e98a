import { imagenetClassification } from './imagenet-classification/task.ts'
import { pretraining } from './pretraining/task.ts'
import type { Task } from './task.ts'

export function createTask({
  task,
  loss,
}: {
  task: 'pretraining' | 'imagenet-classification'
  loss: 'logistic' | 'softmax'
}): Task {
  return task === 'pretraining' ? pretraining : imagenetClassification(loss)
}
