/** Every function, method, accessor and arrow function of src, tools and bench, as TypeScript's parser sees them. */
import { relative, resolve } from 'node:path'
import { type Node, type SourceFile, SyntaxKind } from 'typescript/unstable/ast'
import { API } from 'typescript/unstable/sync'

const FOLDERS = ['src', 'tools', 'bench'].map((folder) => `${resolve(folder)}/`)

export interface FunctionFacts {
  /** @example 'src/ps/shard.ts:40' */
  place: string
  /** From the first line of the signature to the end, with the functions inside. */
  lines: number
  /** With white space folded. */
  body: string
  kind: 'block' | 'expression' | 'constructor'
}

export function readFunctions(): FunctionFacts[] {
  const api = new API({ cwd: process.cwd() })
  try {
    const [project] = api.updateSnapshot({ openProject: resolve('tsconfig.json') }).getProjects()
    const files = project?.program
      .getSourceFileNames()
      .filter((name) => FOLDERS.some((folder) => name.startsWith(folder)))
    return (files ?? []).flatMap((name) => {
      const source = project?.program.getSourceFile(name)
      return source ? functionsIn(source, relative('.', name)) : []
    })
  } finally {
    api.close()
  }
}

function functionsIn(source: SourceFile, file: string): FunctionFacts[] {
  const functions: FunctionFacts[] = []
  const lineOf = (position: number) => source.text.slice(0, position).split('\n').length
  const visit = (node: Node): undefined => {
    const { body } = node as { body?: Node }
    const kind = body && kindOf(node, body)
    if (kind) {
      const line = lineOf(node.getStart(source))
      const text = source.text.slice(body.getStart(source), body.end).replace(/\s+/g, ' ')
      functions.push({ place: `${file}:${line}`, lines: lineOf(node.end) - line + 1, body: text, kind })
    }
    node.forEachChild(visit)
  }
  visit(source)
  return functions
}

function kindOf(node: Node, body: Node): FunctionFacts['kind'] | undefined {
  if (node.kind === SyntaxKind.Constructor) return 'constructor'
  if (body.kind === SyntaxKind.Block) return 'block'
  return node.kind === SyntaxKind.ArrowFunction ? 'expression' : undefined
}
