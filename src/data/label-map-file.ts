/**
 * Label maps of the TensorFlow Object Detection API (`label_map.pbtxt`): text of a protocol buffer, a list of
 * `item { id: 1 name: 'cat' }`. Their ids are those that records store, and may have gaps.
 */
import { shownValue } from '../support/shown.ts'

/** Strings, numbers, names and punctuation; `#` begins a comment. */
const TOKEN = /#[^\n]*|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|[-\w.]+|[{}:<>;,]|\S/g
const [OPEN, CLOSE] = [new Set(['{', '<']), new Set(['}', '>'])]

type Fields = Map<string, string>

export interface LabelMapItem {
  readonly name: string
  /** The id that records store. */
  readonly categoryId: number
}

/**
 * Items in the order of their ids. A `display_name` is preferred to the `name`, which may be a code.
 * @throws Error whose message says what is wrong
 */
export function parseLabelMap(text: string): LabelMapItem[] {
  const items = itemsIn(text)
  if (items.length === 0) throw new Error("has no items; expected item { id: 1 name: 'cat' } for each label")
  const numbered = items.map((fields, i) => ({ name: nameOf(fields, i), categoryId: idOf(fields, i) }))
  const sorted = numbered.sort((a, b) => a.categoryId - b.categoryId)
  const twice = sorted.find(({ categoryId }, i) => sorted[i + 1]?.categoryId === categoryId)
  if (twice) throw new Error(`two items have the id ${twice.categoryId}`)
  return sorted
}

/** The fields of each item, without those of blocks inside it. */
function itemsIn(text: string): Fields[] {
  const tokens = (text.match(TOKEN) ?? []).filter((token) => !token.startsWith('#'))
  const items: Fields[] = []
  let depth = 0
  tokens.forEach((token, i) => {
    const [before, name] = [tokens[i - 1] ?? '', tokens[i - 2] ?? '']
    if (OPEN.has(token)) {
      const block = before === ':' ? name : before
      if (depth === 0 && block !== 'item') throw new Error(`${shownValue(block)}: expected item { … }`)
      if (++depth === 1) items.push(new Map())
    } else if (CLOSE.has(token)) depth--
    else if (depth === 1 && before === ':') items.at(-1)?.set(name, token)
    else if (depth === 0 && token !== 'item' && token !== ':')
      throw new Error(`${shownValue(token)}: expected item { … }`)
    if (depth < 0) throw new Error('has a } without a {')
  })
  if (depth > 0) throw new Error('ends inside an item')
  return items
}

function idOf(fields: Fields, i: number): number {
  const id = fields.get('id') ?? ''
  if (/^\d{1,9}$/.test(id) && Number(id) > 0) return Number(id)
  throw new Error(`item ${i}: id: ${id === '' ? 'missing' : shownValue(id)}: expected a whole number of 1 or more`)
}

function nameOf(fields: Fields, i: number): string {
  const quoted = fields.get('display_name') ?? fields.get('name')
  if (quoted === undefined) throw new Error(`item ${i}: name: missing`)
  if (/^["']/.test(quoted)) return quoted.slice(1, -1).replace(/\\(.)/g, '$1')
  throw new Error(`item ${i}: name: ${shownValue(quoted)}: expected a text in quotes`)
}
