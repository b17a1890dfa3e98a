/** `downpour checkpoint export`. */
import { type Exported, exportCheckpoint } from '../../interchange/export.ts'
import type { ExportWishes } from '../../interchange/export-plan.ts'
import { TORCH_EPSILON } from '../../interchange/metadata.ts'
import { assertFree } from '../../interchange/output.ts'
import { checkpointAt } from '../checkpoint-at.ts'
import { untilInterrupted } from '../interrupt.ts'
import type { CliIo } from '../io.ts'
import { sizeText } from '../size-text.ts'
import { terminalProgress } from './progress.ts'

export interface ExportFlags extends ExportWishes {
  readonly out: string
}

/** @param path a checkpoint, or the folder of a job: then its newest. @returns the exit code */
export async function exportFile(path: string, flags: ExportFlags, { out }: Pick<CliIo, 'out'>): Promise<number> {
  await assertFree(flags.out)
  const folder = await checkpointAt(path)
  if (folder !== path) out.write(`exporting ${folder}, the newest checkpoint\n`)
  const progress = terminalProgress(out, 'tensors')
  const work = async (signal: AbortSignal) => {
    const exported = await exportCheckpoint({ ...flags, folder, onProgress: progress.show, signal }).finally(
      progress.end,
    )
    for (const line of linesOf(exported, flags.out)) out.write(`${line}\n`)
    return 0
  }
  return untilInterrupted(work, () => out.write('stopped; the unfinished file was deleted\n'))
}

function linesOf({ backbone, variant, classCount, bytes, leftOut, ...declared }: Exported, path: string): string[] {
  const head =
    classCount === undefined ? 'without a last layer' : `${classCount} ${classCount === 1 ? 'output' : 'outputs'}`
  const { batchNormEpsilon, isDeclared } = declared
  return [
    `exported ${backbone} (variant ${variant}), ${head}, to ${path}: ${sizeText(bytes)}`,
    ...(leftOut > 0 ? [`left out ${leftOut} variables that do not belong to the backbone`] : []),
    ...(variant === 'slim'
      ? [`note: torchvision's ${backbone} computes something else with these weights; the metadata says variant slim`]
      : []),
    ...(isDeclared
      ? []
      : [`note: the checkpoint does not say its batch norm epsilon; the metadata says ${batchNormEpsilon}`]),
    ...(batchNormEpsilon === TORCH_EPSILON
      ? []
      : [
          `note: batch norm epsilon is ${batchNormEpsilon}, torchvision's is ${TORCH_EPSILON}: pass norm_layer=partial(BatchNorm2d, eps=${batchNormEpsilon})`,
        ]),
  ]
}
