/** Reading of job files: multi-document YAML from files or standard input. */
import { readFile } from 'node:fs/promises'
import { loadAll } from 'js-yaml'
import { DownpourError, errorMessage } from '../support/errors.ts'

export interface Manifest {
  file: string
  /** An object with apiVersion, kind and metadata.name; the rest is for who takes it. */
  object: {
    apiVersion: string
    kind: string
    metadata: { name: string; namespace?: string; annotations?: Record<string, string> }
  }
}

export async function readManifests(files: readonly string[]): Promise<Manifest[]> {
  const read = await Promise.all(files.map(readManifestFile))
  return read.flat()
}

async function readManifestFile(file: string): Promise<Manifest[]> {
  const text = await readText(file)
  let documents: unknown[]
  try {
    documents = loadAll(text)
  } catch (error) {
    throw new DownpourError('YAML_INVALID', `${file}: not YAML: ${errorMessage(error)}`, { file }, { cause: error })
  }
  const objects = documents.filter((document) => document !== null && document !== undefined)
  if (objects.length === 0) throw new DownpourError('YAML_EMPTY', `${file}: no object in this file`, { file })
  return objects.map((object, i) => ({ file, object: asObject(object, file, i) }))
}

async function readText(file: string): Promise<string> {
  try {
    if (file !== '-') return await readFile(file, 'utf8')
  } catch (error) {
    throw new DownpourError(
      'FILE_UNREADABLE',
      `${file}: cannot be read: ${errorMessage(error)}`,
      { file },
      { cause: error },
    )
  }
  const chunks: Buffer[] = []
  for await (const chunk of process.stdin) chunks.push(chunk)
  return Buffer.concat(chunks).toString('utf8')
}

function asObject(value: unknown, file: string, index: number): Manifest['object'] {
  const object = value as Partial<Manifest['object']> | null
  for (const [path, found] of [
    ['apiVersion', object?.apiVersion],
    ['kind', object?.kind],
    ['metadata.name', object?.metadata?.name],
  ] as const) {
    if (typeof found !== 'string' || found === '') {
      throw new DownpourError(
        'YAML_NOT_AN_OBJECT',
        `${file}, document ${index + 1}: ${path}: ${JSON.stringify(found)}: expected a text`,
        { file, path },
      )
    }
  }
  return object as Manifest['object']
}
