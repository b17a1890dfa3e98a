/** Finds which file imports which, in every form of import, and reads the import table of ARCHITECTURE.md. */
import { globSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'

export interface Source {
  /** From the root of the repository. */
  file: string
  text: string
}

/** The names of modules that each module may import; `undefined`: all. */
export type ImportTable = ReadonlyMap<string, readonly string[] | undefined>

const FORMS = [
  /\bfrom\s*['"](\.[^'"]+)['"]/g,
  /\bimport\(?\s*['"](\.[^'"]+)['"]/g,
  /\bnew URL\(\s*['"](\.[^'"]+\.ts)['"]/g,
]

export function readSources(): Source[] {
  return globSync('{src,tools,bench}/**/*.{ts,mjs}', { exclude: ['**/node_modules'] }).map((file) => ({
    file: normalize(file),
    text: readFileSync(file, 'utf8'),
  }))
}

/** Includes type imports: two files that need each other's types cannot be changed apart. */
export function importsOf({ file, text }: Source): string[] {
  const paths = FORMS.flatMap((form) => [...text.matchAll(form)].map((match) => match[1] ?? ''))
  return paths.map((path) => normalize(join(dirname(file), path)))
}

/** Reads the rows below the line that begins with `| module |`. */
export function parseImportTable(markdown: string): ImportTable {
  const lines = markdown.split('\n')
  const first = lines.findIndex((line) => line.startsWith('| module |')) + 2
  const rows = lines.slice(first, lines.indexOf('', first))
  return new Map(rows.flatMap(parseRow))
}

function parseRow(row: string): [string, readonly string[] | undefined][] {
  const [, modules = '', , allowed = ''] = row.split('|').map((cell) => cell.trim())
  // A row may say in parentheses which files are meant: `tasks (declarations alone)`.
  const names = allowed === 'nothing' ? [] : allowed.split(', ').map((name) => name.replace(/ \(.*\)$/, ''))
  return modules.split(', ').map((module) => [module, allowed === 'everything' ? undefined : names])
}

/** @returns the innermost folder that the table names: `local/api` for `src/local/api/http.ts`, `tools` for `tools/x.ts` */
export function moduleOf(file: string, table: ImportTable): string {
  const folders = dirname(file.replace(/^src\//, '')).split('/')
  const paths = folders.map((_, index) => folders.slice(0, index + 1).join('/'))
  return paths.findLast((path) => table.has(path)) ?? folders[0] ?? ''
}

/** Maps each file to the files that it imports. */
export type ImportGraph = ReadonlyMap<string, readonly string[]>

export function importGraph(sources: readonly Source[]): ImportGraph {
  return new Map(sources.map((source) => [source.file, importsOf(source)]))
}

/** @returns each group of files that import each other, directly or through others, as one sorted line */
export function circlesOf(graph: ImportGraph): string[] {
  const reached = new Map([...graph.keys()].map((file) => [file, reachableFrom(file, graph)]))
  const groups = [...reached].flatMap(([file, targets]) =>
    targets.has(file)
      ? [
          [...targets]
            .filter((target) => reached.get(target)?.has(file))
            .sort()
            .join(' ↔ '),
        ]
      : [],
  )
  return [...new Set(groups)].sort()
}

/** @returns every file that `file` imports, directly or through others; includes itself only if it is in a circle */
function reachableFrom(file: string, graph: ImportGraph): Set<string> {
  const reached = new Set<string>()
  const open = [...(graph.get(file) ?? [])]
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (reached.has(next)) continue
    reached.add(next)
    open.push(...(graph.get(next) ?? []))
  }
  return reached
}
