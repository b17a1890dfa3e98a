/** Reads VOC result files: `IMAGE SCORE XMIN YMIN XMAX YMAX` a line, one file a class (comp4_det_test_car.txt). */
import { readFile } from 'node:fs/promises'
import type { VocDetection } from '../../scores/voc.ts'
import { DownpourError } from '../../support/errors.ts'
import { shownValue } from '../../support/shown.ts'

const FIELDS = 6

/** @param images those of the set. @throws DownpourError VOC_INVALID; Node's error when the file cannot be read */
export async function readDetections(file: string, images: ReadonlySet<string>): Promise<VocDetection[]> {
  const lines = (await readFile(file, 'utf8')).split('\n')
  return lines.flatMap((line, i) => (line.trim() === '' ? [] : [detectionOf(line, `${file}: line ${i + 1}`, images)]))
}

function detectionOf(line: string, where: string, images: ReadonlySet<string>): VocDetection {
  const [image = '', ...words] = line.trim().split(/\s+/)
  const [score = Number.NaN, xmin = 0, ymin = 0, xmax = 0, ymax = 0] = words.map(Number)
  const isRight = words.length === FIELDS - 1 && [score, xmin, ymin, xmax, ymax].every(Number.isFinite)
  const fail = (expected: string) =>
    new DownpourError('VOC_INVALID', `${where}: ${shownValue(line)}: expected ${expected}`)
  if (!isRight) throw fail('IMAGE SCORE XMIN YMIN XMAX YMAX with five numbers')
  if (!images.has(image)) throw fail('an image of the set')
  if (xmax < xmin || ymax < ymin) throw fail('XMAX ≥ XMIN and YMAX ≥ YMIN')
  return { image, score, box: [xmin, ymin, xmax, ymax] }
}
