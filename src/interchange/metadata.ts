/** What a file declares about its weights beside their values: weights of both variants have the same names and shapes. */
import { type Class, parseClasses } from '../contract/classes.ts'
import type { BackboneName } from '../models/architectures.ts'
import type { InputNormalisation } from '../models/backbone.ts'
import { VARIANTS } from '../models/variants.ts'
import { DownpourError } from '../support/errors.ts'
import { shownValue } from '../support/shown.ts'

export type VariantName = keyof typeof VARIANTS
export const VARIANT_NAMES = Object.keys(VARIANTS) as VariantName[]

export interface Declaration {
  readonly backbone: BackboneName
  readonly variant: VariantName
  readonly batchNormEpsilon: number
  /** Outputs of the last layer; undefined: the file has none. */
  readonly classCount?: number | undefined
  /** Their names, if the checkpoint has them. */
  readonly classes?: readonly Class[] | undefined
}

export interface Source {
  /** sha256 of the manifest, hex. */
  readonly digest: string
  readonly step: number
  /** @example 'PretrainJob default/jft' */
  readonly job: string
}

/** Of every batch norm in torchvision's ResNets. */
export const TORCH_EPSILON = 1e-5

const PRODUCER = 'downpour'
const STRIDES = { firstUnit: 'conv2 of the first unit of a layer', lastUnit: 'conv2 of the last unit of a layer' }
const PADDING = { same: 'same', symmetric: '1 on every side' }

/** Texts only, as the format wants it; lists are JSON. `format` is what PyTorch libraries look for. */
export function encodeMetadata(declared: Declaration, source: Source): Record<string, string> {
  const { backbone, variant, batchNormEpsilon, classCount, classes } = declared
  return {
    format: 'pt',
    producer: PRODUCER,
    architecture: backbone,
    variant,
    ...conventionsOf(variant),
    batch_norm_epsilon: String(batchNormEpsilon),
    ...(classCount === undefined ? {} : { class_count: String(classCount) }),
    ...(classes ? { classes: JSON.stringify(classes) } : {}),
    source_digest: `sha256:${source.digest}`,
    source_step: String(source.step),
    source_job: source.job,
  }
}

function conventionsOf(variant: VariantName): Record<string, string> {
  const { stridePlacement, rootPadding, input } = VARIANTS[variant]
  const { mean, stddev } = unitRange(input)
  return {
    stride_placement: STRIDES[stridePlacement],
    max_pool_padding: PADDING[rootPadding],
    input_channels: 'RGB',
    input_range: '[0, 1]',
    input_mean: JSON.stringify(mean),
    input_std: JSON.stringify(stddev),
  }
}

/** Pixels in [-1, 1] are those in [0, 1] with mean and standard deviation 0.5. */
function unitRange(input: InputNormalisation): { mean: readonly number[]; stddev: readonly number[] } {
  return input.type === 'standardised' ? input : { mean: [0.5, 0.5, 0.5], stddev: [0.5, 0.5, 0.5] }
}

export interface FoundDeclaration extends Pick<Declaration, 'variant' | 'batchNormEpsilon' | 'classes'> {
  readonly architecture: string
}

/**
 * Undefined for a file that Downpour did not write.
 * @throws DownpourError METADATA_INVALID, CLASSES_INVALID
 */
export function decodeMetadata(metadata: ReadonlyMap<string, string>, path: string): FoundDeclaration | undefined {
  if (metadata.get('producer') !== PRODUCER) return undefined
  const bad = (field: string, expected: string) => {
    const shown = shownValue(metadata.get(field))
    const message = `${path}: __metadata__.${field}: ${shown}: expected ${expected}`
    return new DownpourError('METADATA_INVALID', message, { path, field })
  }
  const variant = VARIANT_NAMES.find((name) => name === metadata.get('variant'))
  if (!variant) throw bad('variant', VARIANT_NAMES.join(' or '))
  for (const [field, value] of Object.entries(conventionsOf(variant)))
    if (metadata.get(field) !== value) throw bad(field, `${value}, as the variant ${variant} has it`)
  const batchNormEpsilon = Number(metadata.get('batch_norm_epsilon'))
  if (!(batchNormEpsilon > 0 && batchNormEpsilon < 1)) throw bad('batch_norm_epsilon', 'a number between 0 and 1')
  const classes = metadata.get('classes')
  return {
    architecture: metadata.get('architecture') ?? '',
    variant,
    batchNormEpsilon,
    classes: classes === undefined ? undefined : parseClasses(Buffer.from(classes), `${path}: __metadata__.classes`),
  }
}
