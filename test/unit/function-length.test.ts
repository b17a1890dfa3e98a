/**
 * Finds every function, method, accessor and arrow function with a block body in src, tools and bench with
 * TypeScript's parser, and counts its lines from the signature to the closing brace, inner functions included.
 */
import assert from 'node:assert/strict'
import { relative, resolve } from 'node:path'
import { test } from 'node:test'
import { type Node, type SourceFile, SyntaxKind } from 'typescript/unstable/ast'
import { API } from 'typescript/unstable/sync'

const MAX_LINES = 55
const MAX_P90 = 17
const FOLDERS = ['src', 'tools', 'bench'].map((folder) => `${resolve(folder)}/`)

interface Length {
  file: string
  line: number
  lines: number
}

function measure(): Length[] {
  const api = new API({ cwd: process.cwd() })
  try {
    const [project] = api.updateSnapshot({ openProject: resolve('tsconfig.json') }).getProjects()
    const files = project?.program
      .getSourceFileNames()
      .filter((name) => FOLDERS.some((folder) => name.startsWith(folder)))
    return (files ?? []).flatMap((name) => {
      const source = project?.program.getSourceFile(name)
      return source ? lengthsIn(source, relative('.', name)) : []
    })
  } finally {
    api.close()
  }
}

function lengthsIn(source: SourceFile, file: string): Length[] {
  const lengths: Length[] = []
  const lineOf = (position: number) => source.text.slice(0, position).split('\n').length
  const visit = (node: Node): undefined => {
    const { body } = node as { body?: Node }
    if (body?.kind === SyntaxKind.Block) {
      const line = lineOf(node.getStart(source))
      lengths.push({ file, line, lines: lineOf(node.end) - line + 1 })
    }
    node.forEachChild(visit)
  }
  visit(source)
  return lengths
}

test('functions are short', (t) => {
  const lengths = measure().sort((a, b) => a.lines - b.lines)
  const at = (share: number) => lengths[Math.ceil(lengths.length * share) - 1]?.lines ?? Number.NaN
  t.diagnostic(`${lengths.length} functions: median ${at(0.5)}, p90 ${at(0.9)}, longest ${at(1)} lines`)
  assert.ok(lengths.length > 1000, 'found the functions')
  assert.ok(at(0.9) <= MAX_P90, `p90 is ${at(0.9)}`)
  const long = lengths.filter(({ lines }) => lines > MAX_LINES)
  const texts = long.map(({ file, line, lines }) => `${file}:${line} has ${lines} lines`)
  assert.deepEqual(texts, [])
})
