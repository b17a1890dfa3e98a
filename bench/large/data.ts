/** Pictures of jft-mini with a labels file of 18,291 labels, of which those of jft-mini occur. */
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { makeDataSet } from '../../src/data/generate/make-data-set.ts'
import type { Label } from '../../src/data/labels.ts'

export const LABELS = 18_291
export const LABELS_FILE = 'labels-18291.json'
/** The folder of the pictures to train on. */
export const TRAINING = 'pretrain'
/** Few: a step takes seconds, and the benchmark has few steps. */
const SIZES = { images: 64, evaluationImages: 1, downstreamTrainPerClass: 1, downstreamValPerClass: 1 }

/** @param out a folder that does not exist */
export async function makeData(out: string): Promise<void> {
  await makeDataSet('jft-mini', { out, seed: 1, sizes: SIZES })
  const occurring = JSON.parse(await readFile(join(out, TRAINING, 'labels.json'), 'utf8')) as Label[]
  const others = Array.from({ length: LABELS - occurring.length }, (_, i) => occurring.length + i)
  const labels = [...occurring, ...others.map((id) => ({ id, name: `label ${id}`, parents: [] }))]
  await writeFile(join(out, TRAINING, LABELS_FILE), JSON.stringify(labels))
}
