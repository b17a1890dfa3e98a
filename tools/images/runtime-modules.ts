// `node tools/images/runtime-modules.ts DIR [PACKAGE...]`: the part of node_modules that the runtime's bundle loads, without what
// only browsers, compilers and people read.
import { cp, readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join, relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const WANTED = ['@tensorflow/tfjs', '@tensorflow/tfjs-backend-wasm', 'sharp']
const UNREAD = /(\.map|\.md|\.d\.[cm]?ts|\.ts|\.flow|\.min\.js|\.fesm\.js|\.es2017\.js|_test\.js)$/i
const FOLDERS = /^(test|tests|docs?|example|examples|man|miniprogram)$/

interface Manifest {
  dependencies?: Record<string, string>
  optionalDependencies?: Record<string, string>
}

/** Folders of packages, relative to the project: those wanted, and all that they depend on where it is installed. */
export async function packageFolders(wanted: readonly string[]): Promise<string[]> {
  const folders = new Set<string>()
  const visit = async (name: string, from: string): Promise<void> => {
    const folder = find(name, from)
    if (folder === undefined || folders.has(folder)) return
    folders.add(folder)
    const manifest = JSON.parse(await readFile(join(ROOT, folder, 'package.json'), 'utf8')) as Manifest
    const names = Object.keys({ ...manifest.dependencies, ...manifest.optionalDependencies })
    for (const next of names) await visit(next, join(ROOT, folder))
  }
  for (const name of wanted) await visit(name, ROOT)
  return [...folders].sort()
}

/** Undefined: an optional dependency for another platform. Its main file is not asked for: it may have none. */
function find(name: string, from: string): string | undefined {
  const paths = createRequire(join(from, 'index.js')).resolve.paths(name) ?? []
  const found = paths.map((path) => join(path, name)).find((path) => isPackage(path))
  return found === undefined ? undefined : relative(ROOT, found)
}

function isPackage(path: string): boolean {
  try {
    createRequire(join(path, 'index.js'))('./package.json')
    return true
  } catch {
    return false
  }
}

/** tfjs ships each package six times; Node loads `dist/*.node.js` and, of one backend, the shared sources of another. */
export function isRead(path: string): boolean {
  const parts = path.split(sep)
  const file = parts.at(-1) ?? ''
  if (UNREAD.test(file) || parts.some((part) => FOLDERS.test(part))) return false
  const tfjs = /@tensorflow\/(tfjs[a-z-]*)\/dist\/(.*)$/.exec(path.split(sep).join('/'))
  if (!tfjs?.[2] || !file.includes('.') || tfjs[1]?.startsWith('tfjs-node')) return true
  return /\.(node\.js|wasm|json)$/.test(file) || tfjs[1] === 'tfjs-backend-cpu'
}

/** @param target gets a node_modules */
export async function copyModules(target: string, wanted: readonly string[] = WANTED): Promise<void> {
  for (const folder of await packageFolders(wanted)) {
    const nested = (path: string) => relative(join(ROOT, folder), path).split(sep).includes('node_modules')
    const filter = (path: string) => !nested(path) && isRead(path)
    await cp(join(ROOT, folder), join(target, folder), { recursive: true, filter, dereference: true })
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [target = 'dist', ...wanted] = process.argv.slice(2)
  await copyModules(target, wanted.length > 0 ? wanted : WANTED)
}
