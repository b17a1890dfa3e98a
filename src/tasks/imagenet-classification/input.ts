export { labelInput as createInput } from '../label-input.ts'
