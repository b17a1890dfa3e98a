/** The first pictures of a set side by side in one PNG, and a text file that says what each is labelled. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import sharp from 'sharp'
import type { LabelMap } from '../labels.ts'
import type { EncodedExample } from '../source.ts'

const COLUMNS = 8
const MAX_PICTURES = 64
const GAP_PIXELS = 4

interface Picture {
  pixels: Uint8Array
  size: number
  line: string
}

export class ContactSheet {
  readonly #folder: string
  readonly #labels: LabelMap
  readonly #pictures: Picture[] = []

  constructor(folder: string, labels: LabelMap) {
    this.#folder = folder
    this.#labels = labels
  }

  /** @param pixels RGB, size·size·3; pictures beyond the 64th are left out */
  add({ id, labels, truth }: EncodedExample, pixels: Uint8Array, size: number): void {
    if (this.#pictures.length === MAX_PICTURES) return
    const at = this.#pictures.length
    const place = `row ${Math.floor(at / COLUMNS) + 1} column ${(at % COLUMNS) + 1}`
    const shows = truth ? ` (shows: ${this.#names(truth)})` : ''
    this.#pictures.push({ pixels, size, line: `${place}\t${id}\t${this.#names(labels)}${shows}` })
  }

  /** Writes contact-sheet.png and index.txt. @returns the path of the picture, or null without any */
  async write(): Promise<string | null> {
    const [first] = this.#pictures
    if (!first) return null
    await mkdir(this.#folder, { recursive: true })
    const path = join(this.#folder, 'contact-sheet.png')
    await this.#draw(path, first.size + GAP_PIXELS)
    await writeFile(join(this.#folder, 'index.txt'), this.#pictures.map(({ line }) => `${line}\n`).join(''))
    return path
  }

  async #draw(path: string, step: number): Promise<void> {
    const rows = Math.ceil(this.#pictures.length / COLUMNS)
    const columns = Math.min(COLUMNS, this.#pictures.length)
    const paper = { width: columns * step, height: rows * step, channels: 3, background: 'white' } as const
    const tiles = this.#pictures.map(({ pixels, size }, i) => ({
      input: Buffer.from(pixels),
      raw: { width: size, height: size, channels: 3 as const },
      left: (i % COLUMNS) * step + GAP_PIXELS / 2,
      top: Math.floor(i / COLUMNS) * step + GAP_PIXELS / 2,
    }))
    await sharp({ create: paper }).composite(tiles).png().toFile(path)
  }

  #names(ids: readonly number[]): string {
    return ids.map((id) => this.#labels.labels[id]?.name ?? String(id)).join(', ')
  }
}
