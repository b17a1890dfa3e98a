/**
 * The table of data formats. A new format is a file in formats/, a line here, and a line in contract/data-formats.ts.
 */
import { join } from 'node:path'
import type { AnnotationKind, DataFormatName } from '../contract/data-formats.ts'
import type { DataConfig } from '../contract/runtime.ts'
import { DownpourError } from '../support/errors.ts'
import type { AnyDataset, ClassLabels, Dataset, DatasetOf } from './dataset.ts'
import type { DataFormat } from './format.ts'
import { coco } from './formats/coco.ts'
import { imagenetFolder } from './formats/imagenet-folder.ts'
import { tfrecord } from './formats/tfrecord.ts'
import { tfrecordDetection } from './formats/tfrecord-detection.ts'
import { tfrecordSegmentation } from './formats/tfrecord-segmentation.ts'
import { voc } from './formats/voc.ts'
import { webdataset } from './formats/webdataset.ts'
import { withLabelSubset } from './label-subset.ts'
import { passedOverText } from './scan/kinds.ts'
import { statIfThere } from './unreadable.ts'

/** `data inspect` tries them in this order: any folder with folders of pictures could be class folders. */
export const FORMATS: Readonly<Record<DataFormatName, DataFormat>> = {
  'tfrecord-detection': tfrecordDetection,
  'tfrecord-segmentation': tfrecordSegmentation,
  tfrecord,
  coco,
  voc,
  'imagenet-folder': imagenetFolder,
  // Last, because archives may lie beside the class folders that they were unpacked to.
  webdataset,
}

const NAMES: Readonly<Record<AnnotationKind, string>> = {
  classes: 'class labels',
  objects: 'boxes of objects',
  masks: 'masks of classes',
}

/**
 * @param folder the mounted folder that `config.path` is relative to
 * @throws DownpourError DATA_…, LABELS_INVALID, LABEL_UNKNOWN; Node's error when the storage fails
 */
export async function openDataset(folder: string, config: DataConfig): Promise<AnyDataset> {
  const root = join(folder, config.path)
  await mustExist(root)
  const format = FORMATS[config.format]
  const dataset = await format.open(root, config)
  if (dataset.units.length > 0) return dataset
  const named = config.files === undefined ? '' : ` named ${config.files}`
  const subset = config.subset ? ` in the subset of ${config.subset.fraction}` : ''
  const instead = dataset.passedOver.map(passedOverText).join('; ')
  const message = `${root}: no ${format.contents}${named} here${subset}${instead && `; passed over: ${instead}`}`
  throw new DownpourError('DATA_EMPTY', message, { root, format: format.name })
}

/**
 * The data set of a task that learns class labels, restricted to `config.labelSubset`.
 * @throws DownpourError as `openDataset`; DATA_ANNOTATIONS: the pictures have other annotations
 */
export async function openClassDataset(folder: string, config: DataConfig): Promise<Dataset<ClassLabels>> {
  const dataset = await openDatasetOf('classes', folder, config)
  return config.labelSubset ? withLabelSubset(dataset, config.labelSubset, join(folder, config.path)) : dataset
}

/**
 * The data set of a task that learns annotations of this kind.
 * @throws DownpourError as `openClassDataset`; CONFIG_INVALID: a label subset of other annotations than class labels
 */
export async function openTaskDataset(
  kind: AnnotationKind,
  folder: string,
  config: DataConfig,
): Promise<Dataset<unknown>> {
  if (kind === 'classes') return openClassDataset(folder, config)
  if (!config.labelSubset) return openDatasetOf(kind, folder, config)
  const message = `labelSubset: only tasks that learn ${NAMES.classes} have one; the task learns ${NAMES[kind]}`
  throw new DownpourError('CONFIG_INVALID', message)
}

async function openDatasetOf<K extends AnnotationKind>(
  kind: K,
  folder: string,
  config: DataConfig,
): Promise<DatasetOf<K>> {
  const dataset = await openDataset(folder, config)
  if (isOf(dataset, kind)) return dataset
  const root = join(folder, config.path)
  const message = `${root}: the pictures have ${NAMES[dataset.annotates]}, and the task learns ${NAMES[kind]}`
  throw new DownpourError('DATA_ANNOTATIONS', message, { root, annotates: dataset.annotates })
}

function isOf<K extends AnnotationKind>(dataset: AnyDataset, kind: K): dataset is Extract<AnyDataset, DatasetOf<K>> {
  return dataset.annotates === kind
}

async function mustExist(root: string): Promise<void> {
  if ((await statIfThere(root))?.isDirectory()) return
  throw new DownpourError(
    'DATA_MISSING',
    `${root}: no such folder; put the data there, or make some: downpour data make jft-mini --out DIR`,
    { root },
  )
}
