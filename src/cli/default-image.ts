/** Image of pods whose job names none. */
export const DEFAULT_IMAGE = 'downpour/runtime:0.1.0'
