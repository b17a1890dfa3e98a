/**
 * `npm run bench:data`: seconds and memory that the coco format takes to read a file of the shape of
 * instances_train2017.json with its pictures. Generates both in a temporary folder, and fails above the limits.
 */
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openDataset } from '../../src/data/formats.ts'
import { machineText } from '../figures.ts'
import { TRAIN_2017, writeInstances, writePictures } from './instances-file.ts'

const SEED = 1
const MAX_SECONDS = 60
const MAX_BYTES = 2 * 2 ** 30
const OUT = 'bench/results/data.json'

const folder = await mkdtemp(join(tmpdir(), 'downpour-bench-'))
try {
  const file = await writeInstances(folder, TRAIN_2017, SEED)
  await writePictures(folder, TRAIN_2017)
  const { size } = await stat(join(folder, file))
  console.log(`${TRAIN_2017.annotations} annotations of ${TRAIN_2017.images} images in ${megabytes(size)} MB`)
  const figures = { machine: machineText(), megabytes: megabytes(size), ...(await readAll(folder, file)) }
  console.log(JSON.stringify(figures, null, 2))
  await writeFile(OUT, `${JSON.stringify(figures, null, 2)}\n`)
  const isWithin =
    figures.secondsToOpen + figures.secondsToRead <= MAX_SECONDS && figures.peakMegabytes * 1e6 <= MAX_BYTES
  process.exitCode = isWithin ? 0 : 1
} finally {
  await rm(folder, { recursive: true })
}

async function readAll(root: string, annotations: string) {
  const started = performance.now()
  const dataset = await openDataset(root, { path: '.', format: 'coco', annotations, maxCorruptRecords: 0 })
  const opened = performance.now()
  if (dataset.annotates !== 'objects') throw new Error(`${root}: expected objects`)
  const counts = { images: 0, objects: 0, polygons: 0, runLengths: 0, damaged: 0 }
  for (const unit of dataset.units.keys())
    for await (const item of dataset.read(unit)) {
      counts.images++
      if (item.type === 'corrupt') counts.damaged++
      else
        for (const { segmentation } of item.annotation.objects) {
          counts.objects++
          counts[segmentation?.type === 'rle' ? 'runLengths' : 'polygons']++
        }
    }
  return {
    secondsToOpen: seconds(opened - started),
    secondsToRead: seconds(performance.now() - opened),
    peakMegabytes: megabytes(process.resourceUsage().maxRSS * 1024),
    ...counts,
  }
}

function seconds(ms: number): number {
  return Math.round(ms / 100) / 10
}

function megabytes(bytes: number): number {
  return Math.round(bytes / 1e6)
}
