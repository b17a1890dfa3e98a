/**
 * `downpour data make jft-mini`: a small stand-in for JFT-300M (paper.md §1.1) that anyone may have. Long-tailed leaf
 * frequencies, 1.26 labels an image, 20% wrong labels (half of them to siblings), ancestors mostly missing; beside it
 * a clean evaluation set, and a clean downstream classification set of classes that pre-training never saw.
 */
import { mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import sharp from 'sharp'
import { DownpourError } from '../../support/errors.ts'
import { createRandom, type Random, seedOf } from '../../support/random.ts'
import { encodeExample } from '../formats/example.ts'
import { encodeTfRecord } from '../formats/tfrecord.ts'
import type { LabelMap } from '../labels.ts'
import { renderImage } from './render.ts'
import { DOWNSTREAM_LOOKS, type Look, PRETRAIN_LOOKS, worldLabels } from './world.ts'

export interface JftMiniOptions {
  /** Must not exist, or be empty. */
  out: string
  seed: number
  /** Pre-training images; 8,000 by default. */
  images?: number
  evaluationImages?: number
  downstreamTrainPerClass?: number
  downstreamValPerClass?: number
  onProgress?: (done: number, total: number) => void
}

export const JFT_MINI = {
  pixels: 40,
  shards: 16,
  wrongLabels: 0.2,
  secondObject: 0.26,
  ancestorKept: 0.15,
  zipfExponent: 0.8,
  downstreamClasses: 20,
} as const

const PARALLEL = 32

/** @throws DownpourError DATA_OUT_NOT_EMPTY; leaves nothing half-made: the folder appears whole, at the end. */
export async function makeJftMini(options: JftMiniOptions): Promise<void> {
  const sizes = {
    images: options.images ?? 8000,
    evaluationImages: options.evaluationImages ?? 600,
    downstreamTrainPerClass: options.downstreamTrainPerClass ?? 20,
    downstreamValPerClass: options.downstreamValPerClass ?? 40,
  }
  await mustBeFree(options.out)
  const building = `${options.out}.making`
  await rm(building, { recursive: true, force: true })
  const maker = new Maker(building, options.seed, worldLabels())
  const perClass = sizes.downstreamTrainPerClass + sizes.downstreamValPerClass
  maker.track(sizes.images + sizes.evaluationImages + perClass * JFT_MINI.downstreamClasses, options.onProgress)
  await maker.records('pretrain', sizes.images, noisyLabels)
  await maker.records('evaluation', sizes.evaluationImages, cleanLabels)
  await maker.classes('train', sizes.downstreamTrainPerClass)
  await maker.classes('val', sizes.downstreamValPerClass)
  const facts = {
    name: 'jft-mini',
    formatVersion: 1,
    seed: options.seed,
    ...sizes,
    classes: worldLabels().size,
    ...JFT_MINI,
  }
  await writeFile(join(building, 'dataset.json'), `${JSON.stringify(facts, null, 2)}\n`)
  await mkdir(dirname(options.out), { recursive: true })
  await rename(building, options.out)
}

async function mustBeFree(out: string): Promise<void> {
  const entries = await readdir(out).catch(() => [])
  if (entries.length === 0) return void (await rm(out, { recursive: true, force: true }))
  throw new DownpourError(
    'DATA_OUT_NOT_EMPTY',
    `--out ${out}: is not empty; name a new folder, or remove this one first`,
    { out },
  )
}

interface Scene {
  looks: readonly Look[]
  /** Leaf label ids. */
  leaves: readonly number[]
}

/** What an annotator would have said of the scene. */
type Annotator = (scene: Scene, labels: LabelMap, random: Random) => number[]

class Maker {
  readonly #root: string
  readonly #seed: number
  readonly #labels: LabelMap
  readonly #firstLeaf: number
  readonly #popularity: readonly number[]
  #done = 0
  #total = 0
  #report: ((done: number, total: number) => void) | undefined

  constructor(root: string, seed: number, labels: LabelMap) {
    this.#root = root
    this.#seed = seed
    this.#labels = labels
    this.#firstLeaf = labels.size - PRETRAIN_LOOKS.length
    this.#popularity = zipf(PRETRAIN_LOOKS.length, createRandom(seedOf('popularity', seed)))
  }

  track(total: number, report: ((done: number, total: number) => void) | undefined): void {
    this.#total = total
    this.#report = report
  }

  /** TFRecord shards and labels.json. */
  async records(name: string, count: number, annotate: Annotator): Promise<void> {
    const folder = join(this.#root, name)
    await mkdir(folder, { recursive: true })
    await writeFile(join(folder, 'labels.json'), `${JSON.stringify(this.#labels.labels, null, 1)}\n`)
    const shards = Math.min(JFT_MINI.shards, count)
    for (let shard = 0; shard < shards; shard++) {
      const ids = Array.from({ length: count }, (_, i) => i).filter((i) => i % shards === shard)
      const records = await inParallel(ids, (i) => this.#record(`${name}-${i}`, annotate))
      await writeFile(join(folder, `jft-mini-${pad(shard)}-of-${pad(shards)}.tfrecord`), Buffer.concat(records))
    }
  }

  /** downstream/SPLIT/CLASS/*.png */
  async classes(split: 'train' | 'val', perClass: number): Promise<void> {
    for (const look of DOWNSTREAM_LOOKS.slice(0, JFT_MINI.downstreamClasses)) {
      const folder = join(this.#root, 'downstream', split, look.name.replaceAll(' ', '-'))
      await mkdir(folder, { recursive: true })
      await inParallel(
        Array.from({ length: perClass }, (_, i) => i),
        async (i) => {
          const random = createRandom(seedOf('downstream', this.#seed, split, look.name, i))
          await writeFile(
            join(folder, `${split}-${look.name.replaceAll(' ', '-')}-${i}.png`),
            await this.#png([look], random),
          )
        },
      )
    }
  }

  async #record(id: string, annotate: Annotator): Promise<Buffer> {
    const random = createRandom(seedOf('image', this.#seed, id))
    const scene = this.#scene(random)
    const labels = annotate(scene, this.#labels, random)
    const encoded = await this.#png(scene.looks, random)
    const text = (value: string) => ({ bytes: [Buffer.from(value)] })
    return encodeTfRecord(
      encodeExample({
        'image/encoded': { bytes: [encoded] },
        'image/format': text('png'),
        'image/id': text(id),
        'image/height': { ints: [JFT_MINI.pixels] },
        'image/width': { ints: [JFT_MINI.pixels] },
        'image/class/label': { ints: labels },
      }),
    )
  }

  #scene(random: Random): Scene {
    const count = random.next() < JFT_MINI.secondObject ? 2 : 1
    const leaves = Array.from({ length: count }, () => draw(this.#popularity, random))
    return {
      looks: leaves.map((leaf) => PRETRAIN_LOOKS[leaf] as Look),
      leaves: leaves.map((leaf) => leaf + this.#firstLeaf),
    }
  }

  async #png(looks: readonly Look[], random: Random): Promise<Buffer> {
    const { pixels: size } = JFT_MINI
    const raw = renderImage(looks, size, random)
    const png = await sharp(raw, { raw: { width: size, height: size, channels: 3 } })
      .png({ compressionLevel: 3 })
      .toBuffer()
    this.#report?.(++this.#done, this.#total)
    return png
  }
}

/** Leaves with 20% wrong, and now and then an ancestor: precision 80%, recall unknown, as in JFT. */
const noisyLabels: Annotator = ({ leaves }, labels, random) => {
  const said = leaves.map((leaf) => (random.next() < JFT_MINI.wrongLabels ? wrongLabel(leaf, labels, random) : leaf))
  const kept = said.flatMap((leaf) =>
    (labels.ancestors[leaf] ?? []).filter(() => random.next() < JFT_MINI.ancestorKept / 4),
  )
  return [...new Set([...said, ...kept])]
}

const cleanLabels: Annotator = ({ leaves }, labels) => labels.close(leaves)

function wrongLabel(leaf: number, labels: LabelMap, random: Random): number {
  const leaves = labels.labels.slice(labels.size - PRETRAIN_LOOKS.length)
  const [parent] = labels.labels[leaf]?.parents ?? []
  const siblings = leaves.filter(({ id, parents }) => id !== leaf && parents[0] === parent)
  const choices = random.next() < 0.5 && siblings.length > 0 ? siblings : leaves.filter(({ id }) => id !== leaf)
  return choices[random.int(choices.length)]?.id ?? leaf
}

/** Cumulative shares of a Zipf law over `count` classes in random order of popularity. */
function zipf(count: number, random: Random): number[] {
  const ranks = Array.from({ length: count }, (_, i) => ({ i, key: random.next() })).sort((a, b) => a.key - b.key)
  const weights = new Array<number>(count)
  ranks.forEach(({ i }, rank) => {
    weights[i] = 1 / (rank + 1) ** JFT_MINI.zipfExponent
  })
  const total = weights.reduce((a, b) => a + b, 0)
  let sum = 0
  return weights.map((weight) => (sum += weight / total))
}

function draw(cumulative: readonly number[], random: Random): number {
  const point = random.next()
  const at = cumulative.findIndex((sum) => point < sum)
  return at < 0 ? cumulative.length - 1 : at
}

async function inParallel<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = []
  for (let i = 0; i < items.length; i += PARALLEL)
    results.push(...(await Promise.all(items.slice(i, i + PARALLEL).map(work))))
  return results
}

function pad(value: number): string {
  return String(value).padStart(5, '0')
}
