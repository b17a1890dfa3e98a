/** Reads Kubernetes objects from files: YAML with any number of documents, JSON, and lists as of `kubectl get -o yaml`. */
import { resolve } from 'node:path'
import { DownpourError, errorCode, errorMessage } from '../support/errors.ts'
import { type Fields, isFields } from '../support/fields.ts'
import { shownValue } from '../support/shown.ts'
import { readYaml, type YamlDocument } from '../support/yaml.ts'
import { readText } from './read-text.ts'

export interface Manifest {
  file: string
  /** Number of the document in the file, from 1. */
  document?: number
  /** Line where the document begins, from 1. */
  line?: number
  /** Only apiVersion, kind and metadata.name or generateName are checked here. */
  object: {
    apiVersion: string
    kind: string
    metadata: { name: string; generateName?: string; namespace?: string; annotations?: Record<string, string> }
  }
}

/**
 * Reads each file once, even if it is named twice (overlapping shell patterns).
 * @throws DownpourError FILE_UNREADABLE, YAML_*: the code of the first file that cannot be read, with one line for each
 */
export async function readManifests(files: readonly string[]): Promise<Manifest[]> {
  const read = await Promise.allSettled(withoutDuplicates(files).map(readManifestFile))
  const failed = read.flatMap((one) => (one.status === 'rejected' ? [one.reason as unknown] : []))
  const [first, ...more] = failed
  if (first === undefined) return read.flatMap((one) => (one.status === 'fulfilled' ? one.value : []))
  if (more.length === 0 || !failed.every((one) => one instanceof DownpourError)) throw first
  throw new DownpourError(errorCode(first), failed.map(errorMessage).join('\n'), {}, { cause: first })
}

export function withoutDuplicates(files: readonly string[]): string[] {
  const byPath = new Map(files.map((file) => [file === '-' ? file : resolve(file), file]))
  return [...byPath.values()]
}

/** @throws DownpourError FILE_UNREADABLE, YAML_* */
async function readManifestFile(file: string): Promise<Manifest[]> {
  const documents = documentsOf(await readText(file), file).filter(({ value }) => value !== null)
  const manifests = documents.flatMap(({ value, document, line }) =>
    itemsOf(value).map(({ value: item, where }) => ({
      file,
      document,
      line,
      object: asObject(item, `${file}, document ${document}, line ${line}${where}`, { file, document, line }),
    })),
  )
  if (manifests.length === 0) throw new DownpourError('YAML_EMPTY', `${file}: no object in this file`, { file })
  return manifests
}

function documentsOf(text: string, file: string): YamlDocument[] {
  try {
    return readYaml(text)
  } catch (error) {
    const details = error instanceof DownpourError ? error.details : {}
    throw new DownpourError(errorCode(error), `${file}: ${errorMessage(error)}`, { ...details, file }, { cause: error })
  }
}

/** Flattens lists, also nested ones, as kubectl does; any other value is one object. */
function itemsOf(value: unknown, where = ''): { value: unknown; where: string }[] {
  if (!isFields(value) || !Array.isArray(value.items)) return [{ value, where }]
  return value.items.flatMap((item: unknown, i) => itemsOf(withKind(item, value), `${where}, items[${i}]`))
}

/** Adds the kind to an item without one: PretrainJob for the items of a PretrainJobList. */
function withKind(item: unknown, { apiVersion, kind }: Fields): unknown {
  const ofItems = typeof kind === 'string' ? kind.replace(/List$/, '') : ''
  return isFields(item) && ofItems !== '' ? { apiVersion, kind: ofItems, ...item } : item
}

/** @param where file, document and item, for the message */
function asObject(value: unknown, where: string, details: Fields): Manifest['object'] {
  const { apiVersion, kind, metadata } = isFields(value) ? value : {}
  const { name, generateName } = isFields(metadata) ? metadata : {}
  const required: [string, unknown][] = [
    ['apiVersion', apiVersion],
    ['kind', kind],
    !name && generateName ? ['metadata.generateName', generateName] : ['metadata.name', name],
  ]
  const wrong = required.find(([, found]) => typeof found !== 'string' || found === '')
  if (!wrong) return value as Manifest['object']
  const [path, found] = wrong
  const message = found === undefined ? 'is missing' : `${shownValue(found)}: expected a text`
  throw new DownpourError('YAML_NOT_AN_OBJECT', `${where}: ${path}: ${message}`, { ...details, path, value: found })
}
