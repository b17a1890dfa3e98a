/**
 * Reads ILSVRC's text files of classification. Ground truth: the class of one image a line, in the order of the images.
 * Predictions: as many lines, each with up to five classes, the most likely first.
 */
import { DownpourError } from '../../support/errors.ts'
import { readLines } from '../../support/lines.ts'
import { shownValue } from '../../support/shown.ts'

/** @throws DownpourError ILSVRC_INVALID; Node's error when the file cannot be read */
export async function readClasses(file: string): Promise<number[]> {
  const rows = await readRows(file)
  if (rows.length === 0) throw invalid(`${file}: no image`)
  return rows.map((row, i) => {
    if (row.length === 1) return row[0] as number
    throw invalid(`${file}: line ${i + 1}: ${row.length} classes: expected the class of one image`)
  })
}

/**
 * @param images how many lines there must be. @returns classes of each image; the official evaluator counts the first five
 * @throws DownpourError ILSVRC_INVALID; Node's error when the file cannot be read
 */
export async function readPredictions(file: string, images: number): Promise<number[][]> {
  const rows = await readRows(file)
  if (rows.length === images) return rows
  throw invalid(`${file}: ${rows.length} lines: expected ${images}, one for each image of the ground truth`)
}

/** Empty lines at the end do not count; one before is an image without a class. */
async function readRows(file: string): Promise<number[][]> {
  const rows: number[][] = []
  let last = 0
  for await (const line of readLines(file)) {
    const row = classesIn(line, `${file}: line ${rows.length + 1}`)
    rows.push(row)
    if (row.length > 0) last = rows.length
  }
  return rows.slice(0, last)
}

function classesIn(line: string, where: string): number[] {
  const words = line.split(/[\s,]+/).filter(Boolean)
  return words.map((word) => {
    if (/^\d{1,9}$/.test(word)) return Number(word)
    throw invalid(`${where}: ${shownValue(word)}: expected the number of a class, such as 1 to 1000`)
  })
}

function invalid(message: string): DownpourError {
  return new DownpourError('ILSVRC_INVALID', message)
}
