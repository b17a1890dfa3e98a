// `node tools/images/runtime-modules.ts DIR [PACKAGE...]`: copies the packages that the runtime's bundle loads into
// DIR/node_modules, without the files that only browsers, compilers and people read.
import { cp, readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join, relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const RUNTIME_PACKAGES = ['@tensorflow/tfjs', '@tensorflow/tfjs-backend-wasm', 'sharp']
const SKIPPED_FILES = /(\.map|\.md|\.d\.[cm]?ts|\.ts|\.flow|\.min\.js|\.fesm\.js|\.es2017\.js|_test\.js)$/i
const SKIPPED_FOLDERS = /^(test|tests|docs?|example|examples|man|miniprogram)$/

interface Manifest {
  dependencies?: Record<string, string>
  optionalDependencies?: Record<string, string>
}

/** Returns the folders, relative to the project, of the named packages and of all their installed dependencies. */
export async function packageFolders(names: readonly string[]): Promise<string[]> {
  const folders = new Set<string>()
  const visit = async (name: string, from: string): Promise<void> => {
    const folder = find(name, from)
    if (folder === undefined || folders.has(folder)) return
    folders.add(folder)
    const manifest = JSON.parse(await readFile(join(ROOT, folder, 'package.json'), 'utf8')) as Manifest
    const dependencies = Object.keys({ ...manifest.dependencies, ...manifest.optionalDependencies })
    for (const next of dependencies) await visit(next, join(ROOT, folder))
  }
  for (const name of names) await visit(name, ROOT)
  return [...folders].sort()
}

/**
 * Returns the folder of a package as seen from `from`, or undefined for an optional dependency of another platform. It
 * looks for package.json instead of resolving the main file, because a package may have none.
 */
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

/** tfjs ships six builds of each package; Node loads `dist/*.node.js`, and the WASM backend also sources of the CPU backend. */
export function isNeeded(path: string): boolean {
  const parts = path.split(sep)
  const file = parts.at(-1) ?? ''
  if (SKIPPED_FILES.test(file) || parts.some((part) => SKIPPED_FOLDERS.test(part))) return false
  const tfjs = /@tensorflow\/(tfjs[a-z-]*)\/dist\/(.*)$/.exec(path.split(sep).join('/'))
  if (!tfjs?.[2] || !file.includes('.') || tfjs[1]?.startsWith('tfjs-node')) return true
  return /\.(node\.js|wasm|json)$/.test(file) || tfjs[1] === 'tfjs-backend-cpu'
}

/** @param target folder in which node_modules is created */
export async function copyModules(target: string, names: readonly string[] = RUNTIME_PACKAGES): Promise<void> {
  for (const folder of await packageFolders(names)) {
    const nested = (path: string) => relative(join(ROOT, folder), path).split(sep).includes('node_modules')
    const filter = (path: string) => !nested(path) && isNeeded(relative(ROOT, path))
    await cp(join(ROOT, folder), join(target, folder), { recursive: true, filter, dereference: true })
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [target = 'dist', ...names] = process.argv.slice(2)
  await copyModules(target, names.length > 0 ? names : RUNTIME_PACKAGES)
}
