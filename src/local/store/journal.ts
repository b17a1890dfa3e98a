/**
 * The store on disk: one JSON line a write, compacted at each start and whenever most of it is past. Lines are handed
 * to the kernel at once, without fsync: they survive the process, not a power cut. A torn last line is the write that
 * was never answered. While the disk takes nothing, what cannot be refused waits in memory, in order.
 */
import {
  closeSync,
  existsSync,
  ftruncateSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { dirname } from 'node:path'
import { makePrivateFolder } from '../../support/folder.ts'
import { storageErrorReason } from '../../support/storage.ts'
import type { Stored } from './objects.ts'
import { StatusError } from './status-error.ts'

type Entry = { put: Stored; key: string; v: number } | { remove: true; key: string; v: number } | { v: number }

export interface JournalOptions {
  /** A journal may grow to this, or to a multiple of what is alive, before it is written anew. */
  minCompactBytes?: number
  /** Told why nothing can be written, and `undefined` when there is room again. */
  onStorageOutage?: ((reason: string | undefined) => void) | undefined
}

const MIN_COMPACT_BYTES = 4 * 2 ** 20
const COMPACT_FACTOR = 4
const RETRY_MS = 1000

export class Journal {
  readonly #file: string
  readonly #minCompactBytes: number
  readonly #onStorageOutage: (reason: string | undefined) => void
  readonly #live = new Map<string, Stored>()
  #handle: number | undefined
  #version = 1
  /** Of whole lines in the file. */
  #bytes = 0
  #compactAtBytes = 0
  /** Taken, and not written yet. */
  readonly #unwritten: Buffer[] = []
  #outage: string | undefined
  #timer: NodeJS.Timeout | undefined

  constructor(file: string, { minCompactBytes = MIN_COMPACT_BYTES, onStorageOutage = () => {} }: JournalOptions = {}) {
    this.#file = file
    this.#minCompactBytes = minCompactBytes
    this.#onStorageOutage = onStorageOutage
  }

  load(): { objects: Stored[]; version: number } {
    makePrivateFolder(dirname(this.#file), false)
    const text = existsSync(this.#file) ? readFileSync(this.#file, 'utf8') : ''
    for (const entry of text.split('\n').flatMap(parseEntry)) this.#applyEntry(entry)
    this.#open(Buffer.byteLength(text.slice(0, text.lastIndexOf('\n') + 1)))
    this.#compact()
    return { objects: [...this.#live.values()], version: this.#version }
  }

  /** @param mustPersist refuse what cannot be written now. @throws StatusError 507 */
  put(key: string, object: Stored, version: number, mustPersist = false): void {
    this.#append({ put: object, key, v: version }, mustPersist)
  }

  /** @throws StatusError 507 */
  remove(key: string, version: number, mustPersist = false): void {
    this.#append({ remove: true, key, v: version }, mustPersist)
  }

  close(): void {
    clearInterval(this.#timer)
    if (this.#handle === undefined) return
    this.#flush()
    closeSync(this.#handle)
    this.#handle = undefined
  }

  #applyEntry(entry: Entry): void {
    this.#version = Math.max(this.#version, entry.v)
    if ('put' in entry) this.#live.set(entry.key, entry.put)
    else if ('remove' in entry) this.#live.delete(entry.key)
  }

  #append(entry: Entry, mustPersist: boolean): void {
    if (this.#handle === undefined) return
    const line = lineOf(entry)
    if (!this.#flush() || !this.#write(line)) {
      if (mustPersist) throw new StatusError(507, 'InsufficientStorage', `nothing is stored: ${this.#outage}`)
      this.#unwritten.push(line)
    }
    this.#applyEntry(entry)
    if (this.#bytes > this.#compactAtBytes) this.#compact()
  }

  /** @returns whether all that waited is written */
  #flush(): boolean {
    for (let line = this.#unwritten[0]; line; line = this.#unwritten[0]) {
      if (!this.#write(line)) return false
      this.#unwritten.shift()
    }
    return true
  }

  /** All of the line, or nothing of it. @returns false where the disk does not take it now. @throws any other error */
  #write(line: Buffer): boolean {
    const handle = this.#handle as number
    try {
      for (let done = 0; done < line.length; ) done += writeSync(handle, line, done)
    } catch (error) {
      ftruncateSync(handle, this.#bytes)
      this.#beginOutage(error)
      return false
    }
    this.#bytes += line.length
    this.#endOutage()
    return true
  }

  #beginOutage(error: unknown): void {
    const reason = storageErrorReason(error)
    if (reason === undefined) throw error
    if (this.#outage !== undefined) return
    this.#outage = `${reason} (${this.#file})`
    this.#timer = setInterval(() => this.#retry(), RETRY_MS)
    this.#onStorageOutage(this.#outage)
  }

  /** With nothing that waits, a version alone finds out whether there is room. */
  #retry(): void {
    if (this.#flush() && this.#outage !== undefined) this.#write(lineOf({ v: this.#version }))
  }

  #endOutage(): void {
    if (this.#outage === undefined || this.#unwritten.length > 1) return
    clearInterval(this.#timer)
    this.#outage = undefined
    this.#onStorageOutage(undefined)
  }

  /** The old file stays, and is written on, where there is no room for a new one beside it. */
  #compact(): void {
    const lines = [...this.#live].map(([key, put]) => lineOf({ put, key, v: this.#version }))
    // The version stands by itself: with everything deleted it must still not start anew.
    const text = Buffer.concat([lineOf({ v: this.#version }), ...lines])
    const temporary = `${this.#file}.tmp`
    try {
      rmSync(temporary, { force: true })
      writeFileSync(temporary, text, { mode: 0o600 })
      renameSync(temporary, this.#file)
    } catch (error) {
      rmSync(temporary, { force: true })
      if (storageErrorReason(error) === undefined) throw error
      this.#compactAtBytes = 2 * this.#bytes
      return
    }
    // What waited is in it.
    this.#unwritten.length = 0
    this.#compactAtBytes = Math.max(this.#minCompactBytes, COMPACT_FACTOR * text.length)
    this.#open(text.length)
  }

  /** @param bytes of whole lines: the next must not be glued to a torn one */
  #open(bytes: number): void {
    if (this.#handle !== undefined) closeSync(this.#handle)
    this.#handle = openSync(this.#file, 'a', 0o600)
    ftruncateSync(this.#handle, bytes)
    this.#bytes = bytes
  }
}

function lineOf(entry: Entry): Buffer {
  return Buffer.from(`${JSON.stringify(entry)}\n`)
}

function parseEntry(line: string): Entry[] {
  try {
    return line ? [JSON.parse(line) as Entry] : []
  } catch {
    return []
  }
}
