/**
 * Reads the elements of large JSON arrays one at a time, so that a file of any size needs the memory of one element.
 * The scanner only finds where elements end, and JSON.parse reads each: a general streaming parser takes four times as
 * long.
 */
import { isUtf8 } from 'node:buffer'
import { createReadStream } from 'node:fs'
import { DownpourError, errorMessage } from './errors.ts'

const CHUNK_BYTES = 1 << 20
/** Far more than an element of any such file has: a quote that is missing must not bring the rest of a file into memory. */
const MAX_ELEMENT_BYTES = 64 * 2 ** 20
const [QUOTE, BACKSLASH, COMMA, COLON] = [0x22, 0x5c, 0x2c, 0x3a]
const [OPEN_BRACKET, CLOSE_BRACKET, OPEN_BRACE, CLOSE_BRACE] = [0x5b, 0x5d, 0x7b, 0x7d]
const [TAB, LINE_FEED, CARRIAGE_RETURN, SPACE] = [0x09, 0x0a, 0x0d, 0x20]
/** The byte order mark of UTF-8, which some editors write. */
const MARK = Buffer.from([0xef, 0xbb, 0xbf])

/** Stands for the array that is the whole file. */
export const WHOLE_FILE = ''

/**
 * @param place index of the element in its array
 * @param start byte of the file at which the element begins
 * @param end byte behind the element
 */
export type Visit = (value: unknown, place: number, start: number, end: number) => void

export interface ReadOptions {
  readonly signal?: AbortSignal | undefined
  /** Called with the length of each part of the file that was read. */
  readonly onBytes?: ((bytes: number) => void) | undefined
}

/**
 * Calls `visits[key]` for each element of the array at `key` of the file's object, in the order of the file, or
 * `visits['']` if the file is one array. Other keys are skipped: of their values, only brackets are checked.
 * @returns the keys of the arrays that were read
 * @throws DownpourError JSON_INVALID with file, key and index; errors of a visit and of the disk
 */
export async function readJsonArrays(
  file: string,
  visits: Readonly<Record<string, Visit>>,
  { signal, onBytes }: ReadOptions = {},
): Promise<ReadonlySet<string>> {
  const scanner = new Scanner(file, new Map(Object.entries(visits)))
  for await (const chunk of createReadStream(file, { highWaterMark: CHUNK_BYTES, signal })) {
    scanner.write(chunk as Buffer)
    onBytes?.((chunk as Buffer).length)
  }
  return scanner.end()
}

/** What may stand next among the keys of the file's object. `first`: a key or the end. */
type Next = 'first' | 'key' | 'colon' | 'value' | 'comma'

const EXPECTED: Readonly<Record<Next, string>> = {
  first: 'a key in double quotes, or }',
  key: 'a key in double quotes',
  colon: ':',
  value: 'a value',
  comma: ', or }',
}

class Scanner {
  readonly #file: string
  readonly #visits: ReadonlyMap<string, Visit>
  readonly #read = new Set<string>()
  #bytes: Buffer = Buffer.alloc(0)
  /** Place of the first of `#bytes` in the file. */
  #offset = 0
  /** What closes each open bracket and brace. */
  readonly #closings: number[] = []
  /** Their number, which is needed for each byte. */
  #depth = 0
  #next: Next = 'first'
  #isInString = false
  #isEscaped = false
  /** Where the element, or the string or number at depth 1, begins in `#bytes`; -1 outside of both. */
  #start = -1
  #isObject = false
  #isOver = false
  /** The last string at depth 1; it is the key if a colon follows. */
  #string = WHOLE_FILE
  #key: string | undefined
  #visit: Visit | undefined
  /** Depth of the elements of the array that is being read; -1 outside of one. */
  #elementDepth = -1
  #place = 0

  constructor(file: string, visits: ReadonlyMap<string, Visit>) {
    this.#file = file
    this.#visits = visits
  }

  write(chunk: Buffer): void {
    const rest = this.#start < 0 ? 0 : this.#bytes.length - this.#start
    if (rest > MAX_ELEMENT_BYTES) throw this.#invalid('more than 64 MiB without an end: a quote or bracket is missing')
    const isFirst = this.#depth === 0 && !this.#isOver && chunk.subarray(0, MARK.length).equals(MARK)
    const bytes = isFirst ? chunk.subarray(MARK.length) : chunk
    this.#offset += this.#bytes.length - rest + (isFirst ? MARK.length : 0)
    this.#bytes = rest === 0 ? bytes : Buffer.concat([this.#bytes.subarray(this.#start), bytes])
    if (rest > 0) this.#start = 0
    for (let i = rest; i < this.#bytes.length; i++) this.#take(this.#bytes[i] as number, i)
  }

  end(): ReadonlySet<string> {
    if (!this.#isOver) throw this.#invalid(this.#depth === 0 ? 'the file is empty' : 'the file ends too early')
    return this.#read
  }

  #take(byte: number, i: number): void {
    if (this.#isInString) this.#takeOfString(byte, i)
    else if (byte > SPACE || !isSpace(byte)) this.#takeOutside(byte, i)
  }

  #takeOfString(byte: number, i: number): void {
    if (this.#isEscaped) this.#isEscaped = false
    else if (byte === BACKSLASH) this.#isEscaped = true
    else if (byte === QUOTE) {
      this.#isInString = false
      if (this.#isAmongKeys()) this.#string = this.#parse(i + 1) as string
    }
  }

  #takeOutside(byte: number, i: number): void {
    if (this.#depth === 0) this.#begin(byte)
    else if (byte === COMMA && this.#depth === this.#elementDepth) this.#endElement(i)
    else if (byte === CLOSE_BRACKET || byte === CLOSE_BRACE) this.#close(byte, i)
    else {
      if (this.#isAmongKeys()) this.#takeAmongKeys(byte, i)
      else if (this.#start < 0 && this.#depth === this.#elementDepth) this.#start = i
      if (byte === QUOTE) this.#isInString = true
      else if (byte === OPEN_BRACKET) this.#openArray()
      else if (byte === OPEN_BRACE) this.#open(CLOSE_BRACE)
    }
  }

  /** Whether the scanner is in the file's object, but not in a value of it that has brackets. */
  #isAmongKeys(): boolean {
    return this.#depth === 1 && this.#isObject
  }

  #takeAmongKeys(byte: number, i: number): void {
    if (byte === COLON) {
      this.#expect('colon')
      this.#key = this.#string
      this.#next = 'value'
    } else if (byte === COMMA) {
      this.#endValue(i)
      this.#expect('comma')
      this.#next = 'key'
    } else if (this.#start < 0) {
      const isKey = byte === QUOTE && this.#next !== 'value'
      if (isKey) this.#expect('first', 'key')
      else this.#expect('value')
      this.#next = isKey ? 'colon' : 'comma'
      if (byte !== OPEN_BRACKET && byte !== OPEN_BRACE) this.#start = i
    }
  }

  /** A number, true, false or null among the keys ends where the next begins. */
  #endValue(i: number): void {
    if (this.#start >= 0) this.#parse(i)
  }

  #expect(...allowed: readonly Next[]): void {
    if (!allowed.includes(this.#next)) throw this.#invalid(`expected ${EXPECTED[this.#next]}`)
  }

  #begin(byte: number): void {
    const isArray = byte === OPEN_BRACKET
    if (this.#isOver || !(isArray || byte === OPEN_BRACE)) {
      throw this.#invalid(this.#isOver ? 'text after the end of the JSON' : notJson(byte))
    }
    this.#isObject = !isArray
    if (isArray) this.#key = WHOLE_FILE
    if (isArray) this.#openArray()
    else this.#open(CLOSE_BRACE)
  }

  #open(closing: number): void {
    this.#closings.push(closing)
    this.#depth++
  }

  #openArray(): void {
    const isAtTop = this.#depth === (this.#isObject ? 1 : 0)
    this.#open(CLOSE_BRACKET)
    if (!isAtTop || this.#key === undefined || !this.#visits.has(this.#key)) return
    if (this.#read.has(this.#key)) throw this.#invalid('the key stands in the file twice')
    this.#read.add(this.#key)
    this.#visit = this.#visits.get(this.#key)
    this.#elementDepth = this.#depth
    this.#place = 0
  }

  #close(byte: number, i: number): void {
    if (this.#isAmongKeys()) {
      this.#endValue(i)
      this.#expect('first', 'comma')
    }
    if (this.#depth === this.#elementDepth) {
      this.#mustClose(byte)
      if (this.#start >= 0 || this.#place > 0) this.#endElement(i)
      this.#elementDepth = -1
    }
    // JSON.parse finds a wrong bracket within an element.
    if (this.#start < 0) this.#mustClose(byte)
    this.#closings.pop()
    this.#depth--
    this.#isOver = this.#depth === 0
  }

  #mustClose(byte: number): void {
    const expected = this.#closings.at(-1)
    if (byte !== expected) throw this.#invalid(`expected ${String.fromCharCode(expected as number)}`)
  }

  #endElement(i: number): void {
    const start = this.#offset + this.#start
    const value = this.#parse(i)
    this.#visit?.(value, this.#place++, start, this.#offset + i)
  }

  /** What begins at `#start` and ends before `end`. */
  #parse(end: number): unknown {
    const bytes = this.#start < 0 ? Buffer.alloc(0) : this.#bytes.subarray(this.#start, end)
    const text = bytes.toString('utf8')
    this.#start = -1
    // Where bytes are not UTF-8, Node writes this character. A file may also have the character itself.
    if (text.includes('\ufffd') && !isUtf8(bytes))
      throw this.#invalid(`${idIn(text)}the file is not in UTF-8: save it so`)
    try {
      return JSON.parse(text)
    } catch (error) {
      throw this.#invalid(`${idIn(text)}${notANumber(text) ?? errorMessage(error)}`)
    }
  }

  #invalid(problem: string): DownpourError {
    const element = this.#elementDepth < 0 ? '' : `[${this.#place}]`
    const place = [this.#file, `${this.#key ?? ''}${element}`].filter(Boolean).join(': ')
    return new DownpourError('JSON_INVALID', `${place}: ${problem}`, { file: this.#file, key: this.#key })
  }
}

function isSpace(byte: number): boolean {
  return byte === SPACE || byte === LINE_FEED || byte === CARRIAGE_RETURN || byte === TAB
}

/** @param byte the first of the file. A gzip file begins with 1f 8b, and one in UTF-16 with ff fe or fe ff. */
function notJson(byte: number): string {
  if (byte === 0x1f) return 'the file is compressed: unpack it with gunzip first'
  return byte >= 0xfe ? 'the file is in UTF-16: save it in UTF-8' : 'expected a JSON object or array'
}

/** Names the first NaN or Infinity outside of a string, with its key: Python's json writes them, and JSON has neither. */
export function notANumber(text: string): string | undefined {
  let key: string | undefined
  for (const [token, string, colon] of text.matchAll(/"((?:[^"\\]|\\.)*)"(\s*:)?|NaN|-?Infinity/g)) {
    if (string === undefined) return `${key === undefined ? '' : `${key}: `}${token} is not JSON: expected a number`
    if (colon) key = string
  }
}

/** The id in a text that JSON.parse refuses, for messages. */
function idIn(text: string): string {
  const found = /"(id|image_id)"\s*:\s*("[^"]{0,40}"|-?\d{1,20})/.exec(text)
  return found ? `(${found[1]} ${found[2]}): ` : ''
}
