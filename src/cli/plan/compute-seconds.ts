/** Seconds of a training step without input and exchange: as the machine description says, or estimated from measured steps. */
import { backboneVariables } from '../../interchange/our-variables.ts'
import type { BackboneName } from '../../models/architectures.ts'
import { imageCost } from '../../models/cost.ts'
import type { Compute } from '../../simulate/machine.ts'
import measured from '../../simulate/measured.json' with { type: 'json' }
import type { DrawnSeconds } from '../../simulate/scenario.ts'
import { DownpourError } from '../../support/errors.ts'

export interface ComputeSeconds extends DrawnSeconds {
  /** Where the seconds come from, as the end of a sentence. */
  readonly from: string
}

export interface ComputeOptions {
  given: Partial<Compute>
  backend: string
  backbone: BackboneName
  batchSize: number
  /** Of an image, in a training step. */
  multiplyAdds: number
}

/** Of a dedicated machine; with GPUs or shared cores it is another one, which a description can say. */
const DEFAULT_VARIATION = 0.05
/** What `auto` selects where it is installed. */
const FASTEST = 'tensorflow'

/** @throws DownpourError COMPUTE_UNKNOWN for a backend without a measured step */
export function computeSeconds({ given, backend, backbone, batchSize, multiplyAdds }: ComputeOptions): ComputeSeconds {
  const variation = given.variation ?? DEFAULT_VARIATION
  const { secondsPerStep, imagesPerSecond } = given
  if (secondsPerStep !== undefined) return { mean: secondsPerStep, variation, from: 'compute.secondsPerStep' }
  if (imagesPerSecond !== undefined)
    return { mean: batchSize / imagesPerSecond, variation, from: 'compute.imagesPerSecond' }
  const reference = measuredStep(backend === 'auto' ? FASTEST : backend, backbone)
  const mean = (batchSize * multiplyAdds * reference.seconds) / (reference.batch * referenceCost(reference))
  return { mean, variation, from: `estimated from ${reference.text}` }
}

interface MeasuredStep {
  readonly backbone: BackboneName
  readonly batch: number
  readonly side: number
  readonly seconds: number
  readonly text: string
}

/** Of the same backbone, or of the largest one that was measured. */
function measuredStep(backend: string, backbone: BackboneName): MeasuredStep {
  const steps = measured.steps.filter((step) => step.backend === backend)
  const found = steps.find((step) => step.backbone === backbone) ?? steps.at(-1)
  if (found) return { ...found, backbone: found.backbone as BackboneName, text: textOf(found) }
  const message = `no step of backend ${backend} was measured: say compute.secondsPerStep or compute.imagesPerSecond with --machine`
  throw new DownpourError('COMPUTE_UNKNOWN', message, { backend })
}

function textOf({ backbone, backend, batch, side }: (typeof measured.steps)[number]): string {
  return `${batch} images of ${side} pixels on ${backbone}, ${backend}: ${measured.stepsFrom}, ${measured.stepsMachine}`
}

function referenceCost({ backbone, side }: MeasuredStep): number {
  const options = {
    backbone,
    placement: 'lastUnit',
    variables: backboneVariables(backbone),
    pixels: side ** 2,
  } as const
  return imageCost(options).multiplyAdds
}
