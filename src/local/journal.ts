/**
 * The store on disk: one JSON line a write, compacted at each start and whenever most of it is past. Lines are handed
 * to the kernel at once, without fsync: they survive the process, not a power cut. A torn last line is the write that
 * was never answered.
 */
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, renameSync, writeFileSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Stored } from './objects.ts'

type Entry = { put: Stored; key: string; v: number } | { remove: true; key: string; v: number } | { v: number }

/** A journal may grow to this, or to a multiple of what is alive, before it is written anew. */
const MIN_COMPACT_BYTES = 4 * 2 ** 20
const COMPACT_AT = 4

export class Journal {
  readonly #file: string
  readonly #minCompactBytes: number
  readonly #live = new Map<string, Stored>()
  #handle: number | undefined
  #version = 1
  #bytes = 0
  #liveBytes = 0
  /** The last line may be torn: the next must not be glued to it. */
  #torn = false

  constructor(file: string, minCompactBytes = MIN_COMPACT_BYTES) {
    this.#file = file
    this.#minCompactBytes = minCompactBytes
  }

  load(): { objects: Stored[]; version: number } {
    mkdirSync(dirname(this.#file), { recursive: true })
    const text = existsSync(this.#file) ? readFileSync(this.#file, 'utf8') : ''
    for (const entry of text.split('\n').flatMap(parseEntry)) this.#take(entry)
    this.#compact()
    return { objects: [...this.#live.values()], version: this.#version }
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

  #take(entry: Entry): void {
    this.#version = Math.max(this.#version, entry.v)
    if ('put' in entry) this.#live.set(entry.key, entry.put)
    else if ('remove' in entry) this.#live.delete(entry.key)
  }

  /** @throws what the file system throws: then the write did not happen */
  #append(entry: Entry): void {
    if (this.#handle === undefined) return
    if (this.#torn) this.#compact()
    const line = Buffer.from(`${JSON.stringify(entry)}\n`)
    this.#torn = true
    if (writeSync(this.#handle, line) === line.length) this.#torn = false
    this.#take(entry)
    this.#bytes += line.length
    if (this.#torn || this.#bytes > Math.max(this.#minCompactBytes, COMPACT_AT * this.#liveBytes)) this.#compact()
  }

  #compact(): void {
    const lines = [...this.#live].map(([key, put]) => JSON.stringify({ put, key, v: this.#version }))
    // The version stands by itself: with everything deleted it must still not start anew.
    const text = [JSON.stringify({ v: this.#version }), ...lines].map((line) => `${line}\n`).join('')
    writeFileSync(`${this.#file}.tmp`, text, { mode: 0o600 })
    renameSync(`${this.#file}.tmp`, this.#file)
    this.close()
    this.#handle = openSync(this.#file, 'a', 0o600)
    this.#liveBytes = this.#bytes = Buffer.byteLength(text)
    this.#torn = false
  }
}

function parseEntry(line: string): Entry[] {
  try {
    return line ? [JSON.parse(line) as Entry] : []
  } catch {
    return []
  }
}
