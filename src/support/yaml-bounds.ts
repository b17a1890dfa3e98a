/**
 * Bounds the size and depth of a YAML text after expansion of its aliases. A few hundred bytes of aliases can expand to
 * billions of nodes, so this counts on the parser's events, before any code walks the objects.
 */
import { EVENT_ID, type Event } from 'js-yaml'
import { DownpourError } from './errors.ts'

/** For a whole text, before and after expansion of aliases: the size limit of an API server's request. */
export const MAX_YAML_BYTES = 3 * 2 ** 20
/** Keys, values, lists and maps, after expansion of aliases. */
export const MAX_NODES = 250_000
export const MAX_DEPTH = 100

interface Node {
  /** Characters, after expansion of aliases. */
  size: number
  nodes: number
  /** 0 for a scalar. */
  depth: number
  isOpen: boolean
}

/** @returns the position at which each document begins. @throws DownpourError YAML_TOO_LARGE, YAML_TOO_DEEP, YAML_CYCLIC */
export function checkBounds(text: string, events: readonly Event[]): number[] {
  const starts: number[] = []
  /** The last node with each anchor's name. */
  const anchors = new Map<string, Node>()
  const open: Node[] = []
  let position = 0
  const finished = { size: 0, nodes: 0 }

  const fail = (code: string, message: string) => placedError(code, message, starts.length, lineAt(text, position))
  const begin = (node: Node, event: Event) => {
    const anchor = anchorOf(text, event)
    if (anchor !== undefined) anchors.set(anchor, node)
    return node
  }
  const put = (node: Node) => {
    const parent = open.at(-1)
    if (!parent) return
    add(parent, node)
    parent.depth = Math.max(parent.depth, node.depth + 1)
    if (finished.size + parent.size > MAX_YAML_BYTES) throw fail('YAML_TOO_LARGE', TOO_LARGE)
    if (finished.nodes + parent.nodes > MAX_NODES) throw fail('YAML_TOO_LARGE', TOO_MANY)
    // The document itself is the outermost open node.
    if (open.length - 1 + node.depth > MAX_DEPTH) throw fail('YAML_TOO_DEEP', TOO_DEEP)
  }
  const targetOf = (event: Event) => {
    const name = anchorOf(text, event) ?? ''
    const target = anchors.get(name)
    if (target?.isOpen) throw fail('YAML_CYCLIC', `the anchor "${name}" contains an alias of itself`)
    // The construction of objects refuses an alias without an anchor, and names it.
    return target ?? { size: 0, nodes: 1, depth: 0, isOpen: false }
  }

  for (const event of events) {
    position = startOf(event) ?? position
    if (starts.at(-1) === -1 && event.type !== EVENT_ID.DOCUMENT) starts[starts.length - 1] = position
    switch (event.type) {
      case EVENT_ID.DOCUMENT:
        anchors.clear()
        open.push({ size: 0, nodes: 0, depth: 0, isOpen: true })
        starts.push(-1)
        break
      case EVENT_ID.SCALAR:
        put(begin({ size: event.valueEnd - event.valueStart + 1, nodes: 1, depth: 0, isOpen: false }, event))
        break
      case EVENT_ID.ALIAS:
        put(targetOf(event))
        break
      case EVENT_ID.SEQUENCE:
      case EVENT_ID.MAPPING:
        open.push(begin({ size: 2, nodes: 1, depth: 0, isOpen: true }, event))
        break
      case EVENT_ID.POP: {
        const node = open.pop()
        if (!node) break
        node.isOpen = false
        if (open.length > 0) put(node)
        else add(finished, node)
      }
    }
  }
  return starts
}

export const TOO_LARGE = `more than ${MAX_YAML_BYTES / 2 ** 20} MiB after expansion of its aliases`
const TOO_MANY = `more than ${MAX_NODES} values after expansion of its aliases`
const TOO_DEEP = `nested more than ${MAX_DEPTH} levels deep`

/** @param line from 1 */
export function placedError(code: string, message: string, document: number, line: number) {
  return new DownpourError(code, `document ${document}, line ${line}: ${message}`, { document, line })
}

export function lineAt(text: string, position: number): number {
  return linesBefore(text, 0, position) + 1
}

/** The lines of many positions in one pass. @param positions ascending; -1 repeats the line of the one before */
export function linesAt(text: string, positions: readonly number[]): number[] {
  let line = 1
  let last = 0
  return positions.map((position) => {
    line += linesBefore(text, last, position)
    last = Math.max(last, position)
    return line
  })
}

function linesBefore(text: string, from: number, to: number): number {
  let lines = 0
  for (let at = text.indexOf('\n', from); at >= 0 && at < to; at = text.indexOf('\n', at + 1)) lines += 1
  return lines
}

function add(sum: Pick<Node, 'size' | 'nodes'>, { size, nodes }: Node): void {
  sum.size += size
  sum.nodes += nodes
}

function anchorOf(text: string, event: Event): string | undefined {
  return 'anchorStart' in event && event.anchorStart >= 0 ? text.slice(event.anchorStart, event.anchorEnd) : undefined
}

function startOf(event: Event): number | undefined {
  const places = [
    'start' in event ? event.start : -1,
    'anchorStart' in event ? event.anchorStart : -1,
    'tagStart' in event ? event.tagStart : -1,
    'valueStart' in event ? event.valueStart : -1,
  ].filter((place) => place >= 0)
  return places.length > 0 ? Math.min(...places) : undefined
}
