/**
 * The store on disk: one JSON line a write, compacted at each start. Lines are handed to the kernel at once, without
 * fsync: they survive the process, not a power cut. A torn last line is the write that was never answered.
 */
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, renameSync, writeFileSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Stored } from './objects.ts'

type Entry = { put: Stored; key: string; v: number } | { remove: true; key: string; v: number }

export class Journal {
  readonly #file: string
  #handle: number | undefined

  constructor(file: string) {
    this.#file = file
  }

  load(): { objects: Stored[]; version: number } {
    mkdirSync(dirname(this.#file), { recursive: true })
    const entries = existsSync(this.#file) ? readFileSync(this.#file, 'utf8').split('\n').flatMap(parseEntry) : []
    const live = new Map<string, Stored>()
    for (const entry of entries) {
      if ('put' in entry) live.set(entry.key, entry.put)
      else live.delete(entry.key)
    }
    const version = entries.reduce((highest, { v }) => Math.max(highest, v), 1)
    this.#compact(live, version)
    return { objects: [...live.values()], version }
  }

  put(key: string, object: Stored, version: number): void {
    this.#append({ put: object, key, v: version })
  }

  remove(key: string, version: number): void {
    this.#append({ remove: true, key, v: version })
  }

  close(): void {
    if (this.#handle !== undefined) closeSync(this.#handle)
    this.#handle = undefined
  }

  #append(entry: Entry): void {
    if (this.#handle !== undefined) writeSync(this.#handle, `${JSON.stringify(entry)}\n`)
  }

  #compact(live: Map<string, Stored>, version: number): void {
    const lines = [...live].map(([key, put]) => JSON.stringify({ put, key, v: version }))
    writeFileSync(`${this.#file}.tmp`, lines.map((line) => `${line}\n`).join(''))
    renameSync(`${this.#file}.tmp`, this.#file)
    this.#handle = openSync(this.#file, 'a')
  }
}

function parseEntry(line: string): Entry[] {
  try {
    return line ? [JSON.parse(line) as Entry] : []
  } catch {
    return []
  }
}
