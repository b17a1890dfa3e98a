import { detectionTask } from '../detection/task.ts'
import { createScorer } from './score.ts'

export const createTask = detectionTask(createScorer)
