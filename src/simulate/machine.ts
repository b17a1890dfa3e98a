/** The description of a machine, as its author writes it: costs that were measured, each in seconds, bytes or images. */
import { z } from 'zod'
import { type Fields, isFields } from '../support/fields.ts'

const positive = z.number().gt(0).max(1e18)
const seconds = z.number().min(0).max(1e9)
const perGigabyte = (what: string) => seconds.describe(`Seconds of CPU time for 10^9 bytes ${what}.`)

const Compute = z
  .strictObject({
    secondsPerStep: z
      .exactOptional(positive)
      .describe("Seconds of one training step of a worker, with the job's batch, without input and exchange."),
    imagesPerSecond: z.exactOptional(positive).describe('The same as images a second; instead of secondsPerStep.'),
    variation: z
      .number()
      .min(0)
      .max(3)
      .describe('Standard deviation of the seconds of a step as a share of their mean, over steps and workers.'),
  })
  .partial()
  .refine((given) => given.secondsPerStep === undefined || given.imagesPerSecond === undefined, {
    path: ['imagesPerSecond'],
    message: 'secondsPerStep or imagesPerSecond, not both',
  })

const costs = {
  input: z.strictObject({
    secondsPerImage: seconds.describe(
      'Seconds of the loader of a worker to read and decode an image, whatever its size.',
    ),
    secondsPerMegapixel: seconds.describe('Seconds for 10^6 pixels of the picture to which an image is resized.'),
  }),
  network: z.strictObject({
    bytesPerSecond: positive.describe('Bandwidth of the network card of a host, in each direction.'),
    latencySeconds: seconds.describe('Seconds of a message from one pod to another.'),
  }),
  server: z.strictObject({
    secondsPerRequest: seconds.describe('Seconds of CPU time of a pull or a push, besides its bytes.'),
    receiveSecondsPerGigabyte: perGigabyte('of gradients that are received and checked'),
    sendSecondsPerGigabyte: perGigabyte('of weights that are sent'),
    applySecondsPerGigabyte: z
      .strictObject({ rmsprop: seconds, momentum: seconds, adam: seconds })
      .describe('Seconds of CPU time for 10^9 bytes of gradients, from received to applied.'),
    copySecondsPerGigabyte: perGigabyte('of state that are copied for a checkpoint'),
    processBytes: positive.describe('Memory of the process without weights.'),
  }),
  worker: z.strictObject({
    sendSecondsPerGigabyte: perGigabyte('of gradients that are sent'),
    receiveSecondsPerGigabyte: perGigabyte('of weights that are received'),
    processBytes: positive.describe('Memory of the process without weights, batches and activations.'),
  }),
  disk: z.strictObject({
    bytesPerSecond: positive.describe('Sequential writing to the volume of the checkpoints.'),
    hashSecondsPerGigabyte: perGigabyte('of a checkpoint that are hashed and written'),
  }),
}

/** All costs but those of compute, which depend on the job. */
export const Costs = z.strictObject(costs)
export type Costs = z.output<typeof Costs>
export type Compute = z.output<typeof Compute>

/** Every field is optional: a description may say only what differs from the defaults. */
export const MachineDescription = z.strictObject({
  compute: z.exactOptional(Compute),
  input: z.exactOptional(costs.input.partial()),
  network: z.exactOptional(costs.network.partial()),
  server: z.exactOptional(
    costs.server.extend({ applySecondsPerGigabyte: costs.server.shape.applySecondsPerGigabyte.partial() }).partial(),
  ),
  worker: z.exactOptional(costs.worker.partial()),
  disk: z.exactOptional(costs.disk.partial()),
})
export type MachineDescription = z.output<typeof MachineDescription>

/** Fills in what the description leaves out. */
export function completeCosts(given: MachineDescription, defaults: Costs): Costs {
  return Costs.parse(filled(given, defaults))
}

/** @returns the fields of `defaults`, each with the given value if there is one */
function filled(given: Fields, defaults: Fields): Fields {
  return Object.fromEntries(
    Object.entries(defaults).map(([name, value]) => {
      const own = given[name]
      return [name, isFields(value) ? filled(isFields(own) ? own : {}, value) : (own ?? value)]
    }),
  )
}
