// `node bench/detection/one-case.ts CASE BACKEND`: prints the figures of some training steps as JSON.
import { buildBackbone } from '../../src/models/backbone.ts'
import { calibrateBatchNorm } from '../../src/models/calibration.ts'
import { fasterRcnn } from '../../src/models/faster-rcnn/faster-rcnn.ts'
import type { DetectorTarget } from '../../src/models/faster-rcnn/types.ts'
import type { Weights } from '../../src/models/layer.ts'
import { cacheRoot } from '../../src/support/cache-root.mjs'
import { silentLog } from '../../src/support/log.ts'
import { createRandom, seedOf } from '../../src/support/random.ts'
import { sizeOf, type VariableSpec } from '../../src/support/variables.ts'
import { type Backend, selectBackend } from '../../src/tensor/backend.ts'
import { tf } from '../../src/tensor/tf.ts'
import { createStepper, type StepOutput } from '../../src/worker/step.ts'
import { median } from '../figures.ts'
import { CASES, type CaseName, type Figures } from './cases.ts'

/** The first step allocates memory and compiles kernels. */
const WARM_UP = 1
const KIBI = 1024
const MICROSECONDS = 1e6

const [name, backend] = process.argv.slice(2) as [CaseName, Backend]
const { backbone, height, width, images, options, steps } = CASES[name]
await selectBackend(backend, silentLog, cacheRoot(process.env))
const settings = { name: backbone, freeze: 'none', batchNorm: { mode: 'frozen', epsilon: 1e-5 } } as const
const network = fasterRcnn(options, buildBackbone(settings))
const random = createRandom(0)
const noise = (batch: number, rows: number, columns: number) =>
  Float32Array.from({ length: batch * rows * columns * 3 }, () => random.next() * 2 - 1)

function initial({ name, shape, init }: VariableSpec): [string, Float32Array] {
  const own = createRandom(seedOf(name))
  const values = new Float32Array(sizeOf(shape))
  if (init.type === 'ones') values.fill(1)
  if (init.type === 'normal') for (let i = 0; i < values.length; i++) values[i] = init.stddev * own.normal()
  return [name, values]
}

/** Statistics of some noise: with means of 0 and variances of 1, activations would grow from layer to layer. */
function calibrated(values: ReadonlyMap<string, Float32Array>): Map<string, Float32Array> {
  const tensors = network.variables.map(
    ({ name, shape }) => [name, tf.tensor(values.get(name) ?? [], [...shape])] as const,
  )
  const weights: Weights = new Map(tensors)
  const images_BHWC = tf.tensor4d(noise(2, 96, 96), [2, 96, 96, 3])
  const measured = [...calibrateBatchNorm(settings, weights, images_BHWC)]
  const statistics = measured.map(([name, x]) => [name, x.dataSync() as Float32Array] as const)
  tf.dispose([images_BHWC, ...weights.values(), ...measured.map(([, x]) => x)])
  return new Map([...values, ...statistics])
}

function target(): DetectorTarget {
  const objects = 5
  const boxes = Array.from({ length: objects }, () => {
    const [h, w] = [height * (0.2 + 0.3 * random.next()), width * (0.2 + 0.3 * random.next())]
    const [y, x] = [random.next() * (height - h), random.next() * (width - w)]
    return [y, x, y + h, x + w]
  })
  return {
    size: { height, width },
    padded: { height, width },
    boxes: Float32Array.from(boxes.flat()),
    classes: Int32Array.from({ length: objects }, () => random.int(options.classes)),
    ignored: new Uint8Array(objects),
    seed: random.int(2 ** 31),
  }
}

const values = calibrated(new Map(network.variables.map(initial)))
const stepper = createStepper(network)
stepper.load(values)
const batch = {
  images: noise(images, height, width),
  shape: [images, height, width] as const,
  targets: Array.from({ length: images }, target),
  ids: [],
}
const run = async (count: number) => {
  const outputs: StepOutput[] = []
  for (let i = 0; i < count; i++) outputs.push(await stepper.step(batch))
  return outputs
}
const warmUp = await run(WARM_UP)
const usedBefore = process.cpuUsage()
const measured = await run(steps)
const { user, system } = process.cpuUsage(usedBefore)
const results = [...warmUp, ...measured]
if (!results.every(({ finite }) => finite)) throw new Error(`${name} on ${backend}: a loss or a gradient is not finite`)
const { codes_BA4 } = network.encode(batch.targets)
const figures: Figures = {
  anchors: codes_BA4?.shape[1] ?? 0,
  proposals: options.proposals.count,
  seconds: median(measured.map(({ seconds }) => seconds)),
  cpuSeconds: (user + system) / MICROSECONDS / steps,
  peakGiB: process.resourceUsage().maxRSS / KIBI ** 2,
  loss: results.at(-1)?.loss ?? Number.NaN,
}
console.log(JSON.stringify(figures))
