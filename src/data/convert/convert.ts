/** `downpour data convert`: any data set to TFRecord shards. A run that ends early is continued by the next one. */
import { join, relative, resolve } from 'node:path'
import { sha256Of } from '../../support/digest.ts'
import { DownpourError } from '../../support/errors.ts'
import { requireFolder } from '../../support/folder.ts'
import type { AnyDataset } from '../dataset.ts'
import { openDataset } from '../formats.ts'
import { Conversion, type Converted, type ConvertOptions, labelsText } from './conversion.ts'
import { OUT, type Request, resumed } from './conversion-file.ts'
import { countItems } from './item-cursor.ts'
import { checkName, nameOf, planShards, type ShardPlan } from './shard-plan.ts'
import { stateOf } from './source-state.ts'

/**
 * Shards and labels.json are the same to the byte however often the conversion was interrupted.
 * @throws DownpourError DATA_…, LABELS_INVALID, LABEL_UNKNOWN as `openDataset`; BAD_DATA: more damage than `maxCorrupt`;
 * CONVERT_SHARDS, CONVERT_NAME, CONVERT_DIFFERS, CONVERT_STATE_INVALID, DATA_OUT_NOT_EMPTY, DATA_OUT_UNUSABLE;
 * AbortError with what is complete on the disk
 */
export async function convertData(options: ConvertOptions): Promise<Converted> {
  const { folder, format, formatOptions, out, signal } = options
  if (options.name !== undefined) checkName(options.name)
  const dataset = await openDataset(folder, { path: '.', format, maxCorruptRecords: 0, ...formatOptions })
  signal?.throwIfAborted()
  mustBeOutside(folder, dataset, out)
  const itemCounts = await countItems(dataset, signal)
  const images = itemCounts.reduce((sum, count) => sum + count, 0)
  if (images === 0) throw new DownpourError('DATA_EMPTY', `${folder}: has no image to convert`, { folder })
  const name = options.name ?? nameOf(folder)
  const plan = planShards(name, images, options.size)
  const request = await requestOf(options, dataset, plan, name)
  const complete = await resumed(out, request)
  const conversion = new Conversion(options, dataset, itemCounts, plan, request, complete)
  try {
    requireFolder(out, OUT)
    return await conversion.run()
  } catch (error) {
    throw conversion.withAdvice(error)
  }
}

async function requestOf(
  { folder, format, formatOptions, masks }: ConvertOptions,
  dataset: AnyDataset,
  { images, shards }: ShardPlan,
  name: string,
): Promise<Request> {
  return {
    format,
    options: { ...formatOptions, name, shards: shards.length, masks },
    images,
    source: await stateOf(folder, dataset.paths ?? ['.']),
    labels: sha256Of(labelsText(dataset)),
  }
}

/** What is written into a folder that is read would change the source, and the next run would refuse to go on. */
function mustBeOutside(folder: string, { paths = ['.'] }: AnyDataset, out: string): void {
  const isInside = (path: string) => {
    const inside = relative(resolve(folder, path), resolve(out))
    return inside !== '..' && !inside.startsWith('../')
  }
  const around = paths.find(isInside)
  if (around === undefined && resolve(folder) !== resolve(out)) return
  const message = `--out ${out}: is in ${join(folder, around ?? '.')}, which is read; choose a folder elsewhere`
  throw new DownpourError('DATA_OUT_UNUSABLE', message, { out })
}
