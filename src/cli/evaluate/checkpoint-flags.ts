/** Options of `downpour evaluate` that score a checkpoint instead of result files. */
import { type Command, Option } from 'commander'
import { type DataFormatName, FORMAT_NAMES } from '../../contract/data-formats.ts'
import { Model } from '../../contract/training.ts'
import { DownpourError } from '../../support/errors.ts'
import { DECLARATIONS } from '../../tasks/declarations.ts'
import { positiveWholeNumber, wholeNumber } from '../flag-values.ts'

export interface CheckpointFlags {
  readonly checkpoint: string
  readonly data: string
  readonly task?: string
  readonly classes?: number
  readonly backbone?: Model['backbone']
  readonly variant?: NonNullable<Model['variant']>
  readonly resize?: number
  readonly crop?: number
  readonly format?: DataFormatName
  readonly labels?: string
  readonly files?: string
  readonly annotations?: string
  readonly images?: string
  readonly imageSet?: string
  readonly personBoxes?: string
  readonly predictionsOut?: string
  readonly maxExamples?: number
  readonly seed?: number
  readonly exclude?: string
  readonly batchSize: number
  readonly json?: boolean
}

export const TASK_TYPES: readonly string[] = DECLARATIONS.map(({ type }) => type)
const DEFAULT_BATCH = 64

/** Options of one way that the other would ignore. `labels`, `imageSet`, `task` and `json` belong to both. */
const OF_CHECKPOINTS = {
  checkpoint: '--checkpoint',
  data: '--data',
  classes: '--classes',
  backbone: '--backbone',
  variant: '--variant',
  resize: '--resize',
  crop: '--crop',
  format: '--format',
  files: '--files',
  annotations: '--annotations',
  images: '--images',
  personBoxes: '--person-boxes',
  predictionsOut: '--predictions-out',
  maxExamples: '--max-examples',
  seed: '--seed',
  exclude: '--exclude',
} as const
const OF_FILES = {
  predictions: '--predictions',
  groundTruth: '--ground-truth',
  year: '--year',
  sigmas: '--sigmas',
  perCategory: '--per-category',
} as const

export function addCheckpointOptions(command: Command): void {
  const { backbone, variant } = Model.shape
  command
    .optionsGroup('Options that score a checkpoint:')
    .option('--checkpoint <dir>', 'a checkpoint (step-...), or a folder of checkpoints: then its newest')
    .option('--data <dir>', 'the evaluation set')
    .option('--classes <n>', 'outputs of the model, to be compared with the checkpoint', positiveWholeNumber)
    .addOption(new Option('--backbone <name>', 'default: what the checkpoint says').choices(backbone.options))
    .addOption(new Option('--variant <name>', 'default: what the checkpoint says').choices(variant.unwrap().options))
    .option('--resize <pixels>', 'input.resizePixels (default: as in training)', positiveWholeNumber)
    .option('--crop <pixels>', 'input.cropPixels (default: as in training)', positiveWholeNumber)
    .addOption(new Option('--format <format>', 'format of the data (default: detected)').choices(FORMAT_NAMES))
    .option('--files <pattern>', 'read only shards with such names, e.g. "val-*"')
    .option('--annotations <file>', 'COCO annotations file, where DATA has several; a path there, or from here')
    .option('--images <dir>', 'folder of the pictures that the annotations file names (default: found)')
    .option(
      '--person-boxes <file>',
      'coco-pose: COCO results file of a detector inside of DATA, whose boxes are scored',
    )
    .option('--predictions-out <file>', 'also write what is found to a new COCO results file')
    .option('--max-examples <n>', 'score a sample of n images', positiveWholeNumber)
    .option('--seed <n>', 'seed of the sample (default: that of the job)', wholeNumber)
    .option('--exclude <file>', 'also score without the images of this list, as `data dedup` writes it')
    .option('--batch-size <n>', 'images at once', positiveWholeNumber, DEFAULT_BATCH)
}

/**
 * Whether the options score a checkpoint, and not result files.
 * @throws DownpourError OPTIONS_MIXED, OPTION_MISSING
 */
export function isOfCheckpoint(flags: object): flags is CheckpointFlags {
  const [ofCheckpoint] = given(flags, OF_CHECKPOINTS)
  const [ofFiles] = given(flags, OF_FILES)
  if (ofCheckpoint && ofFiles) {
    const message = `${ofCheckpoint} and ${ofFiles}: give either --checkpoint and --data, or --predictions and --ground-truth`
    throw new DownpourError('OPTIONS_MIXED', message)
  }
  const { checkpoint, data } = OF_CHECKPOINTS
  const { predictions, groundTruth } = OF_FILES
  if (!ofCheckpoint) mustHave(flags, { task: '--task', predictions, groundTruth })
  else mustHave(flags, { checkpoint, data })
  return ofCheckpoint !== undefined
}

function given(flags: object, names: Readonly<Record<string, string>>): string[] {
  return Object.entries(names).flatMap(([option, name]) => (option in flags ? [name] : []))
}

function mustHave(flags: object, names: Readonly<Record<string, string>>): void {
  const present = given(flags, names)
  const [missing] = Object.values(names).filter((name) => !present.includes(name))
  if (missing === undefined) return
  const ways = '--checkpoint and --data score a checkpoint; --task, --predictions and --ground-truth score result files'
  throw new DownpourError('OPTION_MISSING', `${missing} is missing: ${ways}`)
}
