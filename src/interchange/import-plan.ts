/** Decides from the header of a file alone whether and as what it can be imported. */
import type { TensorEntry } from '../checkpoint/safetensors-header.ts'
import type { Class } from '../contract/classes.ts'
import type { BackboneName } from '../models/architectures.ts'
import { DownpourError } from '../support/errors.ts'
import type { VariableSpec } from '../support/variables.ts'
import { architectureOf, TORCHVISION_BACKBONES } from './architecture.ts'
import { decodeMetadata, TORCH_EPSILON, type VariantName } from './metadata.ts'
import { backboneVariables, headVariables } from './our-variables.ts'
import type { TensorFile } from './tensor-file.ts'
import { counterNames, FC, torchTensors } from './torch-tensors.ts'

export interface ImportPlan {
  readonly backbone: BackboneName
  readonly variant: VariantName
  /** Whether the file names its variant; otherwise it is the caller's, or torchvision. */
  readonly isDeclared: boolean
  readonly batchNormEpsilon: number
  /** Outputs of the last layer; undefined: a backbone alone. */
  readonly classCount: number | undefined
  readonly classes: readonly Class[] | undefined
  readonly variables: readonly VariableSpec[]
  /** What every name in the file begins with: `module.` of DistributedDataParallel. */
  readonly prefix: string
  /** Types other than float32 that are converted. */
  readonly converted: readonly string[]
}

interface Wishes {
  readonly variant?: VariantName | undefined
  readonly classes?: readonly Class[] | undefined
}

type Entries = ReadonlyMap<string, TensorEntry>

/** Prefixes of DistributedDataParallel and of torch.compile. */
const WRAPPERS = ['module.', '_orig_mod.']
const FLOATS = new Set(['F32', 'F64', 'F16', 'BF16'])
const MAX_SHOWN = 5

/** @throws DownpourError IMPORT_…, METADATA_INVALID, CLASSES_INVALID */
export function planImport({ path, header }: Pick<TensorFile, 'path' | 'header'>, wishes: Wishes): ImportPlan {
  const { prefix, entries } = unwrapped(header.entries)
  const backbone = backboneOf(entries, path)
  const declared = decodeMetadata(header.metadata, path)
  if (declared && declared.architecture !== backbone) {
    const message = `${path}: __metadata__.architecture: ${declared.architecture}: its tensors are those of ${backbone}`
    throw new DownpourError('METADATA_INVALID', message, { path })
  }
  const classCount = classCountOf(entries)
  const variables = [
    ...backboneVariables(backbone),
    ...(classCount === undefined ? [] : headVariables(backbone, classCount)),
  ]
  assertTensors(entries, variables, backbone, path)
  const classes = wishes.classes ?? declared?.classes
  assertClasses(classes, classCount, path)
  return {
    backbone,
    variant: variantOf(declared?.variant, wishes.variant, path),
    isDeclared: declared !== undefined,
    batchNormEpsilon: declared?.batchNormEpsilon ?? TORCH_EPSILON,
    classCount,
    classes,
    variables,
    prefix,
    converted: convertedTypes(entries),
  }
}

function unwrapped(entries: Entries): { prefix: string; entries: Entries } {
  const wrapper = WRAPPERS.find(
    (prefix) => entries.size > 0 && [...entries.keys()].every((name) => name.startsWith(prefix)),
  )
  if (wrapper === undefined) return { prefix: '', entries }
  const inner = unwrapped(new Map([...entries].map(([name, entry]) => [name.slice(wrapper.length), entry])))
  return { prefix: wrapper + inner.prefix, entries: inner.entries }
}

function backboneOf(entries: Entries, path: string): BackboneName {
  const found = architectureOf(entries)
  const backbone = TORCHVISION_BACKBONES.find((name) => name === found)
  if (backbone) return backbone
  const message = `${path} has the weights of ${found}: expected those of ${TORCHVISION_BACKBONES.join(', ')} with torchvision's names`
  throw new DownpourError('IMPORT_ARCHITECTURE', message, { path, found })
}

/** From either tensor of the last layer; the other is then missing, which is reported with everything else. */
function classCountOf(entries: Entries): number | undefined {
  return (entries.get(FC.weight) ?? entries.get(FC.bias))?.shape[0]
}

function assertTensors(
  entries: Entries,
  variables: readonly VariableSpec[],
  backbone: BackboneName,
  path: string,
): void {
  const wanted = torchTensors(variables)
  const counters = counterNames(wanted)
  const known = new Set([...wanted.map(({ name }) => name), ...counters])
  const problems = [
    ...wanted.flatMap(({ name, shape }) => problemOf(name, shape, entries.get(name))),
    ...counters.flatMap((name) => counterProblem(name, entries.get(name))),
    ...[...entries.keys()].filter((name) => !known.has(name)).map((name) => `${name} (not in ${backbone})`),
  ]
  if (problems.length === 0) return
  const shown = problems.slice(0, MAX_SHOWN).join(', ')
  const more = problems.length > MAX_SHOWN ? `, and ${problems.length - MAX_SHOWN} more` : ''
  const message = `${path} does not fit ${backbone} of torchvision: ${shown}${more}`
  throw new DownpourError('IMPORT_MISFIT', message, { path, problems: problems.length })
}

function problemOf(name: string, shape: readonly number[], found: TensorEntry | undefined): string[] {
  if (!found) return [`${name} (missing)`]
  if (String(found.shape) !== String(shape)) return [`${name} ([${found.shape}], expected [${shape}])`]
  return FLOATS.has(found.dtype) ? [] : [`${name} (${found.dtype}, expected ${[...FLOATS].join(', ')})`]
}

/** Older files of torchvision have no counters. Their values are not used. */
function counterProblem(name: string, found: TensorEntry | undefined): string[] {
  return !found || found.shape.length === 0 ? [] : [`${name} ([${found.shape}], expected a single number)`]
}

function variantOf(declared: VariantName | undefined, wished: VariantName | undefined, path: string): VariantName {
  if (declared === undefined || wished === undefined || declared === wished) return declared ?? wished ?? 'torchvision'
  const message = `--variant ${wished}: ${path} declares its variant: ${declared}; leave the option out`
  throw new DownpourError('IMPORT_VARIANT', message, { path })
}

function assertClasses(classes: readonly Class[] | undefined, outputs: number | undefined, path: string): void {
  if (!classes || classes.length === outputs) return
  const found = outputs === undefined ? 'no last layer' : `a last layer with ${outputs} outputs`
  const message = `${path} has ${found}, and the list of classes has ${classes.length}`
  throw new DownpourError('IMPORT_CLASSES', message, { path, classes: classes.length, outputs })
}

function convertedTypes(entries: Entries): string[] {
  const types = new Set([...entries.values()].map(({ dtype }) => dtype))
  return [...types].filter((dtype) => dtype !== 'F32' && FLOATS.has(dtype))
}
