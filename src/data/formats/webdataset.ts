/** WebDataset: tar files whose members with one name are a sample (paper.md §5). A unit is a tar file. */
import { join } from 'node:path'
import { DownpourError, errorMessage } from '../../support/errors.ts'
import { printable } from '../../support/printable.ts'
import { readTar } from '../codecs/tar.ts'
import type { ClassLabels, DatasetOf, Item } from '../dataset.ts'
import type { DataFormat, FormatOptions } from '../format.ts'
import { classDataset } from '../labelled-dataset.ts'
import { type LabelMap, readLabels } from '../labels.ts'
import { missingNumbers } from '../scan/gaps.ts'
import { Tally } from '../scan/kinds.ts'
import { listFolder } from '../scan/listing.ts'
import { findShards, hasShards } from '../scan/shard-files.ts'
import { inSubset } from '../subset.ts'
import { labelReader } from '../webdataset/sample-labels.ts'
import { type Damage, isWantedMember, type Sample, samplesOf } from '../webdataset/samples.ts'

/** The second is what public data sets in this format have. */
const LABEL_FILES = ['labels.json', 'classnames.txt']

export const webdataset: DataFormat = {
  name: 'webdataset',
  contents: 'tar files of samples',
  examplesAre: 'records',
  detect: (folder) => hasShards(folder, isTarName),
  open: openTars,
}

function isTarName(name: string): boolean {
  return /\.tar$/i.test(name)
}

/** @throws DownpourError DATA_MISSING, DATA_UNREADABLE, DATA_SHARDS_…, DATA_COMPRESSED, LABELS_INVALID */
async function openTars(root: string, { labels: given, files, subset }: FormatOptions): Promise<DatasetOf<'classes'>> {
  const tally = new Tally()
  const labelsFile = given ?? (await labelsIn(root))
  const search = { isShardName: isTarName, pattern: files, used: [labelsFile] }
  const shards = await findShards(root, search, tally)
  if (files === undefined) for (const name of missingNumbers(shards)) tally.add('missingShard', name)
  const labels = await readLabels(join(root, labelsFile))
  const read = sampleReader(root, labels)
  const tars = {
    units: shards,
    passedOver: tally.list(),
    paths: shards,
    async *read(unit: number) {
      for await (const item of read(shards[unit] as string)) {
        if (item.type === 'corrupt' || inSubset(item.id, subset)) yield item
      }
    },
  }
  return classDataset(tars, labels, root)
}

async function labelsIn(root: string): Promise<string> {
  const names = new Set((await listFolder(root)).map(({ name }) => name))
  const found = LABEL_FILES.find((name) => names.has(name))
  if (found !== undefined) return found
  const message = `${root}: has neither ${LABEL_FILES.join(' nor ')}; expected labels.json with [{ "id": 0, "name": "…", "parents": [] }, …], or a text file with the name of a class in each line (spec.data.labels, or the option --labels)`
  throw new DownpourError('DATA_MISSING', message, { root })
}

/** Keys repeat between shards, so an example is identified by shard and key. */
function sampleReader(root: string, labels: LabelMap): (shard: string) => AsyncGenerator<Item<ClassLabels>> {
  const labelsOf = labelReader(labels)
  return async function* (shard) {
    const path = join(root, shard)
    for await (const found of samplesOf(readTar(path, isWantedMember))) {
      yield found.type === 'damage' ? corrupt(path, found) : exampleOf(path, shard, found, labelsOf)
    }
  }
}

function exampleOf(path: string, shard: string, sample: Sample, labelsOf: (sample: Sample) => number[]) {
  const { key, picture } = sample
  try {
    const annotation = { labels: labelsOf(sample) }
    const where = placeOf(path, picture.name)
    const fileName = picture.name
    return { type: 'example', id: `${shard}/${key}`, fileName, bytes: picture.data, annotation, where } as const
  } catch (error) {
    return corrupt(path, { type: 'damage', member: picture.name, reason: errorMessage(error) })
  }
}

function corrupt(path: string, { member, reason }: Damage) {
  return { type: 'corrupt', where: placeOf(path, member), reason } as const
}

function placeOf(path: string, member: string | undefined): string {
  return member === undefined ? printable(path) : `${printable(path)}, member ${printable(member)}`
}
