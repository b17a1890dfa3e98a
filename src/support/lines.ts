/** Reads a text file line by line, so that a file of any size needs the memory of one line. */
import { createReadStream } from 'node:fs'
import type { ReadOptions } from './json-arrays.ts'

/** Lines without their line feed or carriage return; a line feed at the end of the file begins no line. */
export async function* readLines(file: string, { signal, onBytes }: ReadOptions = {}): AsyncGenerator<string> {
  const decoder = new TextDecoder()
  let rest = ''
  for await (const chunk of createReadStream(file, { signal })) {
    onBytes?.((chunk as Buffer).length)
    const lines = `${rest}${decoder.decode(chunk as Buffer, { stream: true })}`.split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) yield line.replace(/\r$/, '')
  }
  rest += decoder.decode()
  if (rest !== '') yield rest.replace(/\r$/, '')
}
