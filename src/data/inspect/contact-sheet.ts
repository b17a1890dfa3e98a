/** The first pictures of a data set side by side in one PNG, and a text file with the annotations of each. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import sharp from 'sharp'
import { type FolderUse, folderError, requireFolder } from '../../support/folder.ts'
import { printable } from '../../support/printable.ts'

const GAP_PIXELS = 4
const SAMPLES: FolderUse = { option: '--samples', code: 'SAMPLES_UNUSABLE' }

interface Picture {
  pixels: Uint8Array
  line: string
}

export interface SheetSize {
  readonly columns: number
  readonly pictures: number
  /** Pixels of the sides of a picture. */
  readonly side: number
}

/** Labels can be told from small pictures; boxes and masks need larger ones. */
export const SMALL: SheetSize = { columns: 8, pictures: 64, side: 96 }
export const LARGE: SheetSize = { columns: 4, pictures: 24, side: 360 }

export class ContactSheet {
  readonly #folder: string
  readonly #size: SheetSize
  readonly #pictures: Picture[] = []

  private constructor(folder: string, size: SheetSize) {
    this.#folder = folder
    this.#size = size
  }

  /**
   * Creates the folder first, so that an unusable one is found before a million pictures are read.
   * @throws DownpourError SAMPLES_UNUSABLE
   */
  static in(folder: string, size: SheetSize): ContactSheet {
    requireFolder(folder, SAMPLES)
    return new ContactSheet(folder, size)
  }

  get isFull(): boolean {
    return this.#pictures.length === this.#size.pictures
  }

  get side(): number {
    return this.#size.side
  }

  /**
   * Leaves out what is beyond the last place.
   * @param text what is annotated, for index.txt
   * @param pixels RGB, side·side·3
   */
  add(id: string, text: string, pixels: Uint8Array): void {
    if (this.isFull) return
    const { columns } = this.#size
    const at = this.#pictures.length
    const place = `row ${Math.floor(at / columns) + 1} column ${(at % columns) + 1}`
    this.#pictures.push({ pixels, line: `${place}\t${printable(id)}\t${text}` })
  }

  /** Writes contact-sheet.png and index.txt. @returns the path of the PNG; undefined if there were no pictures */
  async write(): Promise<string | undefined> {
    if (this.#pictures.length === 0) return undefined
    const path = join(this.#folder, 'contact-sheet.png')
    const sheet = await this.#draw()
    try {
      await writeFile(path, sheet)
      await writeFile(join(this.#folder, 'index.txt'), this.#pictures.map(({ line }) => `${line}\n`).join(''))
    } catch (error) {
      throw folderError(this.#folder, SAMPLES, error)
    }
    return path
  }

  #draw(): Promise<Buffer> {
    const { side } = this.#size
    const step = side + GAP_PIXELS
    const rows = Math.ceil(this.#pictures.length / this.#size.columns)
    const columns = Math.min(this.#size.columns, this.#pictures.length)
    const paper = { width: columns * step, height: rows * step, channels: 3, background: 'white' } as const
    const tiles = this.#pictures.map(({ pixels }, i) => ({
      input: Buffer.from(pixels),
      raw: { width: side, height: side, channels: 3 as const },
      left: (i % this.#size.columns) * step + GAP_PIXELS / 2,
      top: Math.floor(i / this.#size.columns) * step + GAP_PIXELS / 2,
    }))
    return sharp({ create: paper }).composite(tiles).png().toBuffer()
  }
}
