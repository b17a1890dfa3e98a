/** Draws and writes the parts of jft-mini. Each picture has its own random source, seeded by its id. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import sharp from 'sharp'
import { createRandom, type Random, seedOf } from '../../support/random.ts'
import { encodeExample } from '../codecs/example.ts'
import { encodeTfRecord } from '../codecs/tfrecord.ts'
import type { LabelMap } from '../labels.ts'
import type { Annotator } from './annotators.ts'
import { draw, zipf } from './popularity.ts'
import { JFT_MINI } from './recipe.ts'
import { renderImage } from './render.ts'
import { DOWNSTREAM_CLASSES, type LeafClass, PRETRAIN_CLASSES } from './world.ts'

export interface MakerOptions {
  root: string
  seed: number
  labels: LabelMap
  /** Called after each picture. */
  onPicture: () => void
  signal?: AbortSignal | undefined
}

const PARALLEL = 32

export class Maker {
  readonly #options: MakerOptions
  readonly #firstLeaf: number
  readonly #popularity: readonly number[]

  constructor(options: MakerOptions) {
    this.#options = options
    this.#firstLeaf = options.labels.size - PRETRAIN_CLASSES.length
    const random = createRandom(seedOf('popularity', options.seed))
    this.#popularity = zipf(PRETRAIN_CLASSES.length, JFT_MINI.zipfExponent, random)
  }

  /** NAME/labels.json and TFRecord shards. */
  async records(name: string, count: number, annotate: Annotator): Promise<void> {
    const folder = join(this.#options.root, name)
    await mkdir(folder, { recursive: true })
    await writeFile(join(folder, 'labels.json'), `${JSON.stringify(this.#options.labels.labels, null, 1)}\n`)
    const shards = Math.min(JFT_MINI.shards, count)
    for (let shard = 0; shard < shards; shard++) {
      const ids = Array.from({ length: Math.ceil((count - shard) / shards) }, (_, i) => i * shards + shard)
      const records = await this.#inParallel(ids, (i) => this.#record(`${name}-${i}`, annotate))
      await writeFile(join(folder, `jft-mini-${pad(shard)}-of-${pad(shards)}.tfrecord`), Buffer.concat(records))
    }
  }

  /** downstream/SPLIT/CLASS/*.png */
  async classes(split: 'train' | 'val', perClass: number): Promise<void> {
    const { root, seed } = this.#options
    for (const leafClass of DOWNSTREAM_CLASSES.slice(0, JFT_MINI.downstreamClasses)) {
      const name = leafClass.name.replaceAll(' ', '-')
      const folder = join(root, 'downstream', split, name)
      await mkdir(folder, { recursive: true })
      await this.#inParallel(Array.from({ length: perClass }).keys(), async (i) => {
        const random = createRandom(seedOf('downstream', seed, split, leafClass.name, i))
        await writeFile(join(folder, `${split}-${name}-${i}.png`), await this.#png([leafClass], random))
      })
    }
  }

  async #record(id: string, annotate: Annotator): Promise<Buffer> {
    const { seed, labels } = this.#options
    const random = createRandom(seedOf('image', seed, id))
    const shown = this.#scene(random)
    const leaves = shown.map((index) => index + this.#firstLeaf)
    const stored = annotate(leaves, labels, random)
    const encoded = await this.#png(
      shown.map((index) => PRETRAIN_CLASSES[index] as LeafClass),
      random,
    )
    const text = (value: string) => ({ bytes: [Buffer.from(value)] })
    return encodeTfRecord(
      encodeExample({
        'image/encoded': { bytes: [encoded] },
        'image/format': text('png'),
        'image/id': text(id),
        'image/height': { ints: [JFT_MINI.pixels] },
        'image/width': { ints: [JFT_MINI.pixels] },
        'image/class/label': { ints: stored },
        // The labels of what the picture shows: `data inspect` counts wrong labels with it. Classification does not use
        // it.
        'image/class/truth': { ints: leaves },
      }),
    )
  }

  /** @returns indices into PRETRAIN_CLASSES */
  #scene(random: Random): number[] {
    const count = random.next() < JFT_MINI.secondObject ? 2 : 1
    return Array.from({ length: count }, () => draw(this.#popularity, random))
  }

  async #png(leafClasses: readonly LeafClass[], random: Random): Promise<Buffer> {
    const { pixels: size } = JFT_MINI
    const raw = { width: size, height: size, channels: 3 } as const
    const png = await sharp(renderImage(leafClasses, size, random), { raw })
      .png({ compressionLevel: 3 })
      .toBuffer()
    this.#options.onPicture()
    return png
  }

  async #inParallel<R>(items: Iterable<number>, work: (item: number) => Promise<R>): Promise<R[]> {
    const rest = [...items]
    const results: R[] = []
    while (rest.length > 0) {
      this.#options.signal?.throwIfAborted()
      results.push(...(await Promise.all(rest.splice(0, PARALLEL).map(work))))
    }
    return results
  }
}

function pad(value: number): string {
  return String(value).padStart(5, '0')
}
