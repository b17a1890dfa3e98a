/** The first pictures of a data set side by side in one PNG, and a text file with the labels of each. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import sharp from 'sharp'
import { type FolderUse, folderError, requireFolder } from '../../support/folder.ts'
import { printable } from '../../support/printable.ts'
import type { ClassLabels, Encoded } from '../dataset.ts'
import type { LabelMap } from '../labels.ts'

const COLUMNS = 8
const MAX_PICTURES = 64
const GAP_PIXELS = 4
const SAMPLES: FolderUse = { option: '--samples', code: 'SAMPLES_UNUSABLE' }

interface Picture {
  pixels: Uint8Array
  size: number
  line: string
}

export class ContactSheet {
  readonly #folder: string
  readonly #labels: LabelMap
  readonly #pictures: Picture[] = []

  private constructor(folder: string, labels: LabelMap) {
    this.#folder = folder
    this.#labels = labels
  }

  /**
   * Creates the folder first, so that an unusable one is found before a million pictures are read.
   * @throws DownpourError SAMPLES_UNUSABLE
   */
  static in(folder: string, labels: LabelMap): ContactSheet {
    requireFolder(folder, SAMPLES)
    return new ContactSheet(folder, labels)
  }

  /** @param pixels RGB, size·size·3; pictures beyond the 64th are left out */
  add({ id, annotation: { labels, truth } }: Encoded<ClassLabels>, pixels: Uint8Array, size: number): void {
    if (this.#pictures.length === MAX_PICTURES) return
    const at = this.#pictures.length
    const place = `row ${Math.floor(at / COLUMNS) + 1} column ${(at % COLUMNS) + 1}`
    const shows = truth ? ` (shows: ${this.#names(truth)})` : ''
    this.#pictures.push({ pixels, size, line: `${place}\t${printable(id)}\t${this.#names(labels)}${shows}` })
  }

  /** Writes contact-sheet.png and index.txt. @returns the path of the PNG; undefined if there were no pictures */
  async write(): Promise<string | undefined> {
    const [first] = this.#pictures
    if (!first) return undefined
    const path = join(this.#folder, 'contact-sheet.png')
    const sheet = await this.#draw(first.size + GAP_PIXELS)
    try {
      await writeFile(path, sheet)
      await writeFile(join(this.#folder, 'index.txt'), this.#pictures.map(({ line }) => `${line}\n`).join(''))
    } catch (error) {
      throw folderError(this.#folder, SAMPLES, error)
    }
    return path
  }

  #draw(step: number): Promise<Buffer> {
    const rows = Math.ceil(this.#pictures.length / COLUMNS)
    const columns = Math.min(COLUMNS, this.#pictures.length)
    const paper = { width: columns * step, height: rows * step, channels: 3, background: 'white' } as const
    const tiles = this.#pictures.map(({ pixels, size }, i) => ({
      input: Buffer.from(pixels),
      raw: { width: size, height: size, channels: 3 as const },
      left: (i % COLUMNS) * step + GAP_PIXELS / 2,
      top: Math.floor(i / COLUMNS) * step + GAP_PIXELS / 2,
    }))
    return sharp({ create: paper }).composite(tiles).png().toBuffer()
  }

  #names(ids: readonly number[]): string {
    return ids.map((id) => printable(this.#labels.labels[id]?.name ?? String(id))).join(', ')
  }
}
