/** Reads YAML from outside as Kubernetes reads it, within bounds. Errors name the document and the line. */
import { constructFromEvents, parseEvents, YAMLException } from 'js-yaml'
import { DownpourError, errorMessage } from './errors.ts'
import { checkBounds, MAX_DEPTH, MAX_YAML_BYTES, TOO_LARGE } from './yaml-bounds.ts'
import { linesAt, placedError } from './yaml-places.ts'
import { KUBERNETES_SCHEMA } from './yaml-schema.ts'

/** The parser's reason may quote the input, which may be long. */
const MAX_REASON = 200

export interface YamlDocument {
  /** Null for an empty document. */
  value: unknown
  /** Counted from 1; an empty document between two `---` counts. */
  document: number
  /** Line at which the document begins, counted from 1. */
  line: number
}

/** @throws DownpourError YAML_INVALID, YAML_TOO_LARGE, YAML_TOO_DEEP, YAML_CYCLIC; `details` hold document and line */
export function readYaml(text: string): YamlDocument[] {
  if (text.length > MAX_YAML_BYTES) throw placedError('YAML_TOO_LARGE', TOO_LARGE, 1, 1)
  try {
    const events = parseEvents(text, { maxDepth: MAX_DEPTH })
    const lines = linesAt(text, checkBounds(text, events))
    const values = constructFromEvents(events, { source: text, schema: KUBERNETES_SCHEMA })
    return values.map((value, i) => ({ value: value ?? null, document: i + 1, line: lines[i] ?? 1 }))
  } catch (error) {
    throw error instanceof DownpourError ? error : notYaml(text, error)
  }
}

function notYaml(text: string, error: unknown): DownpourError {
  const mark = error instanceof YAMLException ? error.mark : undefined
  if (!mark) return new DownpourError('YAML_INVALID', `not YAML: ${errorMessage(error)}`, {}, { cause: error })
  const { reason } = error as YAMLException
  const document = documentAt(text, mark.position)
  if (/maxDepth|maxTotalMergeKeys/.test(reason))
    return placedError(codeOfLimit(reason), reason, document, mark.line + 1)
  const details = { document, line: mark.line + 1, column: mark.column + 1 }
  const place = `document ${document}, line ${details.line}, column ${details.column}`
  return new DownpourError('YAML_INVALID', `not YAML: ${place}: ${reason.slice(0, MAX_REASON)}`, details, {
    cause: error,
  })
}

function codeOfLimit(reason: string): string {
  return reason.includes('maxDepth') ? 'YAML_TOO_DEEP' : 'YAML_TOO_LARGE'
}

/** Counts the separators before the position, because the parser returns no documents when one of them is broken. */
function documentAt(text: string, position: number): number {
  const parts = text.slice(0, position).split(/^---(?=\s|$)/m)
  const hasText = (parts[0] ?? '').split(/\r\n|\r|\n/).some((line) => line.trim() !== '' && !/^\s*[#%]/.test(line))
  return Math.max(1, hasText ? parts.length : parts.length - 1)
}
