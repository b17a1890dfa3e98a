import { progressOf } from './progress.ts'

export { seconds } from './progress.ts'
export const { say, step } = progressOf('cluster')
