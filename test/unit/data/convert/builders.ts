/** Conversions of small data sets, and what they leave on the disk. */
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { ConvertOptions } from '../../../../src/data/convert/conversion.ts'
import { convertData } from '../../../../src/data/convert/convert.ts'

export const OPTIONS = { formatOptions: {}, size: {}, masks: false, maxCorrupt: 0 } as const

/** The bytes of each file. */
export async function filesIn(folder: string): Promise<Record<string, string>> {
  const names = (await readdir(folder)).sort()
  return Object.fromEntries(
    await Promise.all(names.map(async (name) => [name, (await readFile(join(folder, name))).toString('latin1')])),
  )
}

/** Converts, and stops when `images` images are done. @returns whether it was stopped */
export async function convertUpTo(images: number, options: ConvertOptions): Promise<boolean> {
  const stop = new AbortController()
  const onProgress = (done: number) => done >= images && stop.abort()
  try {
    await convertData({ ...options, onProgress, signal: stop.signal })
    return false
  } catch (error) {
    if (!stop.signal.aborted) throw error
    return true
  }
}
