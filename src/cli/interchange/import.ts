/** `downpour checkpoint import`. */
import { readLabels } from '../../data/labels.ts'
import { importCheckpoint } from '../../interchange/import.ts'
import type { ImportPlan } from '../../interchange/import-plan.ts'
import type { VariantName } from '../../interchange/metadata.ts'
import { untilInterrupted } from '../interrupt.ts'
import type { CliIo } from '../io.ts'
import { sizeText } from '../size-text.ts'
import { terminalProgress } from './progress.ts'

export interface ImportFlags {
  readonly out: string
  readonly variant?: VariantName
  /** A labels file. */
  readonly classesFile?: string
}

/** @returns the exit code */
export async function importFile(file: string, flags: ImportFlags, { out }: Pick<CliIo, 'out'>): Promise<number> {
  const { variant, classesFile } = flags
  const classes = classesFile === undefined ? undefined : (await readLabels(classesFile)).labels
  const progress = terminalProgress(out, 'variables')
  const onPlan = (plan: ImportPlan) =>
    out.write(
      planLines(file, plan, variant)
        .map((line) => `${line}\n`)
        .join(''),
    )
  const work = async (signal: AbortSignal) => {
    const options = { file, out: flags.out, variant, classes, onPlan, onProgress: progress.show, signal }
    const { folder, bytes, digest } = await importCheckpoint(options).finally(progress.end)
    out.write(`imported to ${folder}: ${sizeText(bytes)}, sha256:${digest.slice(0, 12)}\n`)
    return 0
  }
  return untilInterrupted(work, () => out.write('stopped; the unfinished checkpoint was deleted\n'))
}

function planLines(file: string, plan: ImportPlan, wished: VariantName | undefined): string[] {
  const { backbone, variant, classCount, classes, isDeclared, converted, prefix } = plan
  const head = classCount === undefined ? 'no last layer' : `${classCount} outputs${classes ? ' with names' : ''}`
  const assumed = `the file does not say its variant; it is taken as torchvision's (--variant slim for weights of TF-slim)`
  return [
    `${file}: ${backbone} (variant ${variant}), ${head}`,
    ...(isDeclared || wished ? [] : [`note: ${assumed}`]),
    ...(converted.length > 0 ? [`note: ${converted.join(' and ')} values are converted to float32`] : []),
    ...(prefix === '' ? [] : [`note: names begin with ${prefix}, which is dropped`]),
  ]
}
