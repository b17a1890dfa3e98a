/** The program of a thread that helps with kernels. It ends with the process. */
import { workerData } from 'node:worker_threads'
import { KernelChunks, type SharedWork } from './kernel-chunks.ts'
import { kernelFunctions } from './kernel-functions.ts'

const { memory, control } = workerData as SharedWork
new KernelChunks(control, kernelFunctions(memory)).serve()
