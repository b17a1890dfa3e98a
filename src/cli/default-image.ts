import { VERSION } from './version.ts'

/** Image of pods whose job names none. */
export const DEFAULT_IMAGE = `downpour/runtime:${VERSION}`
