export { createInput } from '../detection/input.ts'
