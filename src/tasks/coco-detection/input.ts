import { detectionInput, objectNeed } from '../detection/input.ts'

export const createInput = detectionInput(objectNeed('an object that is scored: crowds are not', ({ crowd }) => !crowd))
