import { detectionInput, objectNeed } from '../detection/input.ts'

export const createInput = detectionInput(
  objectNeed('an object that is scored: crowds and difficult objects are not', ({ crowd, difficult }) => {
    return !crowd && !difficult
  }),
)
