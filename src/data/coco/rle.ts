/**
 * Run lengths of COCO masks: runs of 0 and 1 by turns, beginning with 0, down the columns from the left. Files store them
 * as a list, or compressed to a string as pycocotools writes them.
 */
import { DownpourError } from '../../support/errors.ts'

/** Each character has 5 bits of a number, lowest first, and 1 bit that says whether more follow. */
const BITS = 5
const [VALUE, SIGN, MORE] = [0x1f, 0x10, 0x20]
const FIRST_CHARACTER = 48
/** Enough for any number below 2^35. */
const MAX_CHARACTERS = 7

/** From the third run on, a run is stored as the difference to the one before the last. @throws DownpourError RLE_INVALID */
export function decodeRuns(text: string): number[] {
  const runs: number[] = []
  for (let at = 0; at < text.length; ) {
    const { value, next } = numberAt(text, at)
    runs.push(value + (runs.length > 2 ? (runs[runs.length - 2] as number) : 0))
    at = next
  }
  return runs
}

export function encodeRuns(runs: readonly number[]): string {
  return runs.map((run, i) => textOf(i > 2 ? run - (runs[i - 2] as number) : run)).join('')
}

/** The runs of a mask of `height`·`width` values, row by row; each value other than 0 is a pixel of the object. */
export function runsOf(mask: Uint8Array, height: number, width: number): number[] {
  const runs: number[] = [0]
  let isSet = false
  for (let x = 0; x < width; x++)
    for (let y = 0; y < height; y++) {
      if ((mask[y * width + x] !== 0) !== isSet) {
        isSet = !isSet
        runs.push(0)
      }
      runs[runs.length - 1] = (runs.at(-1) as number) + 1
    }
  return runs
}

/** The mask of 0 and 1, row by row. The runs must add up to `height`·`width`. */
export function maskOf(runs: readonly number[], height: number, width: number): Uint8Array {
  const mask = new Uint8Array(height * width)
  let at = 0
  runs.forEach((run, i) => {
    if (i % 2 === 1) for (let p = at; p < at + run; p++) mask[(p % height) * width + Math.floor(p / height)] = 1
    at += run
  })
  return mask
}

/** Pixels of the object. */
export function runsArea(runs: readonly number[]): number {
  return runs.reduce((sum, run, i) => sum + (i % 2) * run, 0)
}

function numberAt(text: string, start: number): { value: number; next: number } {
  let value = 0
  for (let i = 0; i < MAX_CHARACTERS && start + i < text.length; i++) {
    const bits = text.charCodeAt(start + i) - FIRST_CHARACTER
    if (bits < 0 || bits >= 2 * MORE) throw invalid(`character ${start + i} is not one of a compressed mask`)
    value += (bits & VALUE) * 2 ** (BITS * i)
    const isNegative = (bits & SIGN) !== 0
    if ((bits & MORE) === 0) return { value: isNegative ? value - 2 ** (BITS * (i + 1)) : value, next: start + i + 1 }
  }
  throw invalid(`the number at character ${start} has no end`)
}

function textOf(number: number): string {
  let text = ''
  for (let rest = number; ; ) {
    const bits = rest & VALUE
    rest = Math.floor(rest / 2 ** BITS)
    const isLast = rest === ((bits & SIGN) === 0 ? 0 : -1)
    text += String.fromCharCode(bits + (isLast ? 0 : MORE) + FIRST_CHARACTER)
    if (isLast) return text
  }
}

function invalid(problem: string): DownpourError {
  return new DownpourError('RLE_INVALID', problem)
}
