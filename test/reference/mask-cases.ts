/** Random VOC masks: void pixels, absent classes, classes that are only predicted; palettes and grey pixels. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createRandom, type Random } from '../../src/support/random.ts'
import { indexPng } from '../support/grey-or-palette-png.ts'

export const MASK_SET = 'val'
const CLASSES = 21
const VOID = 255

/** Writes ImageSets, SegmentationClass and results below `folder`. */
export function writeMaskCase(folder: string, seed: number): void {
  const random = createRandom(seed)
  const folders = ['ImageSets/Segmentation', 'SegmentationClass', 'results']
  for (const path of folders) mkdirSync(join(folder, path), { recursive: true })
  const names = Array.from({ length: 1 + random.int(4) }, (_, i) => `2007_${String(i + 32).padStart(6, '0')}`)
  writeFileSync(join(folder, `ImageSets/Segmentation/${MASK_SET}.txt`), `${names.join('\n')}\n`)
  const classes = { present: 1 + random.int(CLASSES), predicted: 1 + random.int(CLASSES) }
  for (const name of names) {
    const size = { width: 1 + random.int(19), height: 1 + random.int(13) }
    const truth = Uint8Array.from({ length: size.width * size.height }, () => truthAt(classes.present, random))
    const predicted = truth.map((value) => predictedAt(value, classes.predicted, random))
    writeFileSync(join(folder, `SegmentationClass/${name}.png`), picture({ ...size, values: truth }, random))
    writeFileSync(join(folder, `results/${name}.png`), picture({ ...size, values: predicted }, random))
  }
}

function truthAt(classes: number, random: Random): number {
  return random.int(7) === 0 ? VOID : random.int(classes)
}

/** Where the truth is void, any class may be predicted, void too. */
function predictedAt(truth: number, classes: number, random: Random): number {
  if (truth === VOID && random.int(2) === 0) return VOID
  return truth !== VOID && random.int(3) > 0 ? truth : random.int(classes)
}

function picture(mask: { width: number; height: number; values: Uint8Array }, random: Random): Buffer {
  const isGrey = random.int(3) === 0
  if (isGrey) return indexPng(mask, 8)
  const highest = mask.values.reduce((a, b) => Math.max(a, b), 0)
  const fitting = [1, 2, 4, 8].filter((bits) => highest < 2 ** bits)
  const bits = fitting[random.int(fitting.length)] as number
  return indexPng(mask, bits, vocPalette(2 ** bits))
}

/** VOC's colour map as the development kit computes it: three bits of the index a turn, from the highest colour bit down. */
function vocPalette(entries: number): Uint8Array {
  const palette = new Uint8Array(3 * entries)
  for (let index = 0; index < entries; index++) {
    for (let rest = index, shift = 7; rest > 0; rest >>= 3, shift--) {
      for (let channel = 0; channel < 3; channel++) {
        const place = 3 * index + channel
        palette[place] = (palette[place] as number) | (((rest >> channel) & 1) << shift)
      }
    }
  }
  return palette
}
