import { VERSION } from './version.ts'

/** Image of the pods of a job without `spec.runtime.image`. */
export const DEFAULT_IMAGE = `downpour/runtime:${VERSION}`
