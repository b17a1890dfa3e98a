/**
 * How large and deep a YAML text becomes when every alias is written out, counted on the parser's events: a few hundred
 * bytes of aliases can stand for billions of nodes, so the bounds must hold before anything walks the objects.
 */
import { EVENT_ID, type Event } from 'js-yaml'
import { DownpourError } from './errors.ts'

/** Of a whole text, as it is and with every alias written out: what an API server takes in one request. */
export const MAX_YAML_BYTES = 3 * 2 ** 20
/** Keys, values, lists and maps, with every alias written out. */
export const MAX_NODES = 250_000
export const MAX_DEPTH = 100

interface Node {
  /** Characters, with aliases written out. */
  size: number
  nodes: number
  /** 0 for a scalar. */
  depth: number
  isOpen: boolean
}

/** @returns where each document begins. @throws DownpourError YAML_TOO_LARGE, YAML_TOO_DEEP, YAML_CYCLIC */
export function checkBounds(text: string, events: readonly Event[]): number[] {
  const starts: number[] = []
  /** By name: the last node that has it. */
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
    // An alias of nothing is refused, with its name, when the objects are built.
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

export const TOO_LARGE = `more than ${MAX_YAML_BYTES / 2 ** 20} MiB when its aliases are written out`
const TOO_MANY = `more than ${MAX_NODES} values when its aliases are written out`
const TOO_DEEP = `nested more than ${MAX_DEPTH} levels deep`

/** @param line from 1 */
export function placedError(code: string, message: string, document: number, line: number) {
  return new DownpourError(code, `document ${document}, line ${line}: ${message}`, { document, line })
}

export function lineAt(text: string, position: number): number {
  return linesBefore(text, 0, position) + 1
}

/** The lines of many places, in one pass. @param positions ascending; -1 is the place before it */
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
