/** Draws and writes the parts of jft-mini. Each picture has its own random source, seeded by its id. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import sharp from 'sharp'
import { createRandom, type Random, seedOf } from '../../support/random.ts'
import { encodeExample } from '../codecs/example.ts'
import { encodeTfRecord } from '../codecs/tfrecord.ts'
import { inParallel } from '../scan/in-parallel.ts'
import type { Annotator } from './annotators.ts'
import type { Making } from './pictures.ts'
import { draw, zipf } from './popularity.ts'
import { JFT_MINI } from './recipe.ts'
import { renderImage } from './render.ts'
import { firstLeafOf, type LeafClass, type World } from './world.ts'

export class Maker {
  readonly #making: Making
  readonly #world: World
  readonly #popularity: readonly number[]

  constructor(making: Making, world: World) {
    this.#making = making
    this.#world = world
    const random = createRandom(seedOf('popularity', making.seed))
    this.#popularity = zipf(world.leaves.length, world.zipfExponent, random)
  }

  /**
   * NAME/labels.json and TFRecord shards.
   * @param labelsFrom the image whose labels an image has, if not its own
   */
  async records(
    name: string,
    count: number,
    annotate: Annotator,
    labelsFrom: (image: number) => number = (image) => image,
  ): Promise<void> {
    const folder = join(this.#making.folder, name)
    await mkdir(folder, { recursive: true })
    await writeFile(join(folder, 'labels.json'), `${JSON.stringify(this.#world.labels.labels, null, 1)}\n`)
    const shards = Math.min(JFT_MINI.shards, count)
    for (let shard = 0; shard < shards; shard++) {
      const ids = Array.from({ length: Math.ceil((count - shard) / shards) }, (_, i) => i * shards + shard)
      const idOf = (image: number) => `${name}-${image}`
      const records = await inParallel(ids, (i) => this.#record(idOf(i), idOf(labelsFrom(i)), annotate))
      await writeFile(join(folder, `jft-mini-${pad(shard)}-of-${pad(shards)}.tfrecord`), Buffer.concat(records))
    }
  }

  /** downstream/SPLIT/CLASS/*.png */
  async classes(split: 'train' | 'val', perClass: number): Promise<void> {
    const { folder: root, seed } = this.#making
    for (const leafClass of this.#world.downstream) {
      const name = leafClass.name.replaceAll(' ', '-')
      const folder = join(root, 'downstream', split, name)
      await mkdir(folder, { recursive: true })
      await inParallel([...Array.from({ length: perClass }).keys()], async (i) => {
        const random = createRandom(seedOf('downstream', seed, split, leafClass.name, i))
        await writeFile(join(folder, `${split}-${name}-${i}.png`), await this.#png([leafClass], random))
      })
    }
  }

  async #record(id: string, labelsId: string, annotate: Annotator): Promise<Buffer> {
    const { leaves } = this.#world
    const { shown, truth, stored: own, random } = this.#annotated(id, annotate)
    const stored = labelsId === id ? own : this.#annotated(labelsId, annotate).stored
    const encoded = await this.#png(
      shown.map((index) => leaves[index] as LeafClass),
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
        'image/class/truth': { ints: truth },
      }),
    )
  }

  /** What an image shows, its labels, and the random source for its picture. */
  #annotated(id: string, annotate: Annotator) {
    const random = createRandom(seedOf('image', this.#making.seed, id))
    const shown = this.#scene(random)
    const truth = shown.map((index) => index + firstLeafOf(this.#world))
    return { shown, truth, stored: annotate(truth, this.#world, random), random }
  }

  /** @returns indices into the leaves of the world */
  #scene(random: Random): number[] {
    const count = random.next() < JFT_MINI.secondObject ? 2 : 1
    return Array.from({ length: count }, () => draw(this.#popularity, random))
  }

  async #png(leafClasses: readonly LeafClass[], random: Random): Promise<Buffer> {
    this.#making.signal?.throwIfAborted()
    const { pixels: size } = JFT_MINI
    const raw = { width: size, height: size, channels: 3 } as const
    const png = await sharp(renderImage(leafClasses, size, random), { raw })
      .png({ compressionLevel: 3 })
      .toBuffer()
    this.#making.onPicture()
    return png
  }
}

function pad(value: number): string {
  return String(value).padStart(5, '0')
}
