/** Names the network that a file of PyTorch weights belongs to, by the names and shapes of its tensors. */
import { BACKBONES } from '../models/architectures.ts'
import { printable } from '../support/printable.ts'

type Shapes = ReadonlyMap<string, { readonly shape: readonly number[] }>

/** Units of each layer, and the shape of the 3×3 filter of the first unit, out and in. */
const BOTTLENECKS: Readonly<Record<string, string>> = {
  '3,4,6,3 64,64': 'resnet50',
  '3,4,23,3 64,64': 'resnet101',
  '3,8,36,3 64,64': 'resnet152',
  '3,24,36,3 64,64': 'resnet200',
  '2,2,2,2 64,64': 'resnet26',
  '3,4,6,3 128,128': 'wide_resnet50_2',
  '3,4,23,3 128,128': 'wide_resnet101_2',
  '3,4,6,3 128,4': 'resnext50_32x4d',
  '3,4,23,3 256,8': 'resnext101_32x8d',
  '3,4,23,3 256,4': 'resnext101_64x4d',
}
const BASIC: Readonly<Record<string, string>> = { '2,2,2,2': 'resnet18', '3,4,6,3': 'resnet34' }

/** Names that only networks of that family have. */
const FAMILIES: readonly Family[] = [
  { name: /^(root|block\d+)\//, is: 'a shard of a Downpour checkpoint' },
  { name: /^resnet_v[12]_\d+\//, is: 'a ResNet with the names of TF-slim' },
  { name: /^resnet\.(embedder|encoder)\./, is: 'a ResNet with the names of Hugging Face transformers' },
  { name: /^backbone\./, is: 'a detector or segmenter, whose backbone is a part of it' },
  { name: /relative_position_bias_table$/, is: 'a Swin or MaxViT transformer' },
  { name: /^(cls_token|class_token|vit\.)/, is: 'a vision transformer' },
  { name: /\.layer_scale$|\.dwconv\./, is: 'a ConvNeXt' },
  { name: /^features\.denseblock\d/, is: 'a DenseNet' },
  { name: /^inception\d[a-z]\.|^Mixed_\d/, is: 'an Inception network' },
  { name: /^features\.\d+\.squeeze\./, is: 'a SqueezeNet' },
  { name: /^features\.\d+\.(conv|\d+\.block|block)\./, is: 'a MobileNet or EfficientNet' },
  { name: /^features\.\d+\.weight$/, is: 'a VGG or AlexNet' },
]
/** Of networks with layers as a ResNet has them. */
const KINDS_OF_RESNET: readonly Family[] = [
  { name: /^conv1\.0\./, is: 'a ResNet with a deep stem' },
  { name: /^layer\d\.\d+\.se\./, is: 'a ResNet with squeeze and excitation' },
]
const SHOWN_NAMES = 2
const MAX_NAME = 60

interface Family {
  readonly name: RegExp
  readonly is: string
}

/** The name of a ResNet as torchvision or timm spell it, or a description in words. */
export function architectureOf(tensors: Shapes): string {
  const names = [...tensors.keys()]
  const units = unitsOf(names)
  const family = [...FAMILIES, ...(units === '' ? [] : KINDS_OF_RESNET)].find((one) =>
    names.some((name) => one.name.test(name)),
  )
  if (family) return family.is
  if (units === '') return `an unknown network (${shownNames(names)})`
  if (!names.some((name) => /^layer\d+\.\d+\.conv3\./.test(name))) {
    return BASIC[units] ?? `a ResNet with basic blocks, ${units} in its layers`
  }
  const filter = String(tensors.get('layer1.0.conv2.weight')?.shape.slice(0, 2) ?? '64,64')
  return BOTTLENECKS[`${units} ${filter}`] ?? `a ResNet with ${units} units in its layers and filters of ${filter}`
}

function shownNames(names: readonly string[]): string {
  if (names.length === 0) return 'without tensors'
  const shown = names.slice(0, SHOWN_NAMES).map((name) => printable(name.slice(0, MAX_NAME)))
  return `${names.length} tensors: ${shown.join(', ')}${names.length > SHOWN_NAMES ? ', …' : ''}`
}

/** The backbones that torchvision has, too. */
export const TORCHVISION_BACKBONES = BACKBONES.filter((name) => name !== 'resnet-mini')

/** @returns how many units each layer has; '' without any @example '3,4,6,3' */
function unitsOf(names: readonly string[]): string {
  const units = new Map<number, Set<number>>()
  for (const name of names) {
    const [, layer, unit] = /^layer(\d+)\.(\d+)\./.exec(name) ?? []
    if (layer === undefined) continue
    const known = units.get(Number(layer)) ?? new Set()
    units.set(Number(layer), known.add(Number(unit)))
  }
  return [...units]
    .sort(([a], [b]) => a - b)
    .map(([, known]) => known.size)
    .join(',')
}
