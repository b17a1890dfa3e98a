// `node bench/step/one-contender.ts CASE CONTENDER WARM_UP STEPS RATE`: prints what tf_function.py prints.
import { cacheRoot } from '../../src/support/cache-root.mjs'
import { silentLog } from '../../src/support/log.ts'
import { sizeOf } from '../../src/support/variables.ts'
import { selectBackend } from '../../src/tensor/backend.ts'
import { createStepper } from '../../src/worker/step.ts'
import { batchesOf, CASES, type Case, taskOf, weightsOf } from './cases.ts'

const [name, contender, ...numbers] = process.argv.slice(2)
const [warmUp = 0, steps = 0, rate = 0] = numbers.map(Number)
const one = CASES.find((candidate) => candidate.name === name) as Case
const { batch, pixels } = one

await selectBackend(contender === 'wasm' ? 'wasm' : 'tensorflow', silentLog, cacheRoot(process.env))
const task = await taskOf(one)
const stepper = createStepper(task, { graph: contender === 'eager' ? 'off' : 'auto', log: silentLog })
const weights = weightsOf(task.variables)
const batches = batchesOf(one)
/** Where gradients and statistics are written, as a worker writes them into the body of its next push. */
const outgoing = new Map(task.variables.map((variable) => [variable.name, new Float32Array(sizeOf(variable.shape))]))
const shape = [batch, pixels, pixels] as const
const seconds: number[] = []
const losses: number[] = []
let cpuSeconds = 0

function descend(gradients: ReadonlyMap<string, Float32Array>): void {
  for (const [variable, gradient] of gradients) {
    const values = weights.get(variable) as Float32Array
    for (let i = 0; i < values.length; i++) values[i] = (values[i] as number) - rate * (gradient[i] as number)
  }
}

for (let i = 0; i < warmUp + steps; i++) {
  const [startedMs, cpu] = [performance.now(), process.cpuUsage()]
  stepper.load(weights)
  const inputs = { ...(batches[i % 2] as (typeof batches)[0]), shape, ids: [] }
  const { loss, gradients } = await stepper.step(inputs, outgoing)
  losses.push(loss)
  if (i >= warmUp) {
    seconds.push((performance.now() - startedMs) / 1000)
    const { user, system } = process.cpuUsage(cpu)
    cpuSeconds += (user + system) / 1e6
  }
  descend(gradients)
}
console.log(JSON.stringify({ seconds, cpuSeconds, losses }))
