// `node bench/step/one-backend.ts BACKEND BACKBONE BATCH PIXELS STEPS`: prints the median seconds of a training step.
import type { RuntimeConfig } from '../../src/contract/runtime.ts'
import { cacheRoot } from '../../src/support/cache-root.mjs'
import { silentLog } from '../../src/support/log.ts'
import { createRandom, seedOf } from '../../src/support/random.ts'
import { sizeOf, type VariableSpec } from '../../src/support/variables.ts'
import { createTask } from '../../src/tasks/registry.ts'
import { type Backend, selectBackend } from '../../src/tensor/backend.ts'
import { createStepper } from '../../src/worker/step.ts'
import { median } from '../figures.ts'

const CLASSES = 100
/** The first steps allocate memory and compile kernels. */
const WARM_UP = 2

const [backend, backbone, ...numbers] = process.argv.slice(2) as [
  Backend,
  RuntimeConfig['model']['backbone'],
  ...string[],
]
const [batch = 0, pixels = 0, steps = 0] = numbers.map(Number)

function drawn({ name, shape }: VariableSpec): [string, Float32Array] {
  const random = createRandom(seedOf(name))
  return [name, Float32Array.from({ length: sizeOf(shape) }, () => 0.1 * random.next())]
}

await selectBackend(backend, silentLog, cacheRoot(process.env))
const task = await createTask({
  task: { type: 'multi-label', options: { classes: CLASSES, headSlices: 1 }, input: {} },
  model: { backbone },
  protocol: 'finetune',
  batchNorm: { decay: 0.9, epsilon: 1e-3 },
})
const stepper = createStepper(task)
stepper.load(new Map(task.variables.map(drawn)))
const random = createRandom(0)
const images = Float32Array.from({ length: batch * pixels * pixels * 3 }, () => random.next() * 2 - 1)
const targets = Array.from({ length: batch }, () => ({ labels: [random.int(CLASSES)] }))
const shape = [batch, pixels, pixels] as const
const seconds = Array.from({ length: WARM_UP + steps }, () => stepper.step({ images, shape, targets, ids: [] }).seconds)
console.log(median(seconds.slice(WARM_UP)))
