/**
 * The store on disk: one JSON line per write, compacted at each start and when most lines are obsolete. Lines go to the
 * kernel at once but without fsync: they survive the process, not a power cut. A torn last line is a write that was never
 * acknowledged. While the disk accepts no writes, those that cannot be refused wait in memory, in order.
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
  /** The journal is compacted when it exceeds this and a multiple of the size of the live objects. */
  minCompactBytes?: number
  /** Called with the reason when writes begin to fail, and with `undefined` when they succeed again. */
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
  /** Size of the whole lines in the file. */
  #bytes = 0
  #compactAtBytes = 0
  /** Acknowledged writes that are not on disk yet. */
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

  /** @param mustPersist refuse the write if it cannot go to disk now. @throws StatusError 507 */
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
      if (mustPersist) throw new StatusError(507, 'InsufficientStorage', `the write was not stored: ${this.#outage}`)
      this.#unwritten.push(line)
    }
    this.#applyEntry(entry)
    if (this.#bytes > this.#compactAtBytes) this.#compact()
  }

  /** @returns whether all waiting writes are on disk */
  #flush(): boolean {
    for (let line = this.#unwritten[0]; line; line = this.#unwritten[0]) {
      if (!this.#write(line)) return false
      this.#unwritten.shift()
    }
    return true
  }

  /** Writes the whole line or nothing. @returns false when the disk accepts no writes now. @throws any other error */
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

  /** If no write waits, writes a line with the version alone, to find out whether the disk has space again. */
  #retry(): void {
    if (this.#flush() && this.#outage !== undefined) this.#write(lineOf({ v: this.#version }))
  }

  #endOutage(): void {
    if (this.#outage === undefined || this.#unwritten.length > 1) return
    clearInterval(this.#timer)
    this.#outage = undefined
    this.#onStorageOutage(undefined)
  }

  /** If there is no space for the compacted file, the old file stays in use. */
  #compact(): void {
    const lines = [...this.#live].map(([key, put]) => lineOf({ put, key, v: this.#version }))
    // The version has a separate line, so that versions do not restart at 1 when all objects were deleted.
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
    // The compacted file holds the waiting writes too.
    this.#unwritten.length = 0
    this.#compactAtBytes = Math.max(this.#minCompactBytes, COMPACT_FACTOR * text.length)
    this.#open(text.length)
  }

  /** @param bytes size of the whole lines: cuts off a torn last line, so that the next line does not follow it directly */
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
