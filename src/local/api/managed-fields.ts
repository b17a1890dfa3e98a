/** Accepts a client's metadata.managedFields if they are valid and ignores them otherwise, as a real API server does. */
import { z } from 'zod'
import { isFields } from '../../support/fields.ts'
import type { ManagedFields } from '../store/objects.ts'

const Entry = z.object({
  manager: z.string(),
  operation: z.enum(['Apply', 'Update']),
  apiVersion: z.string(),
  fieldsType: z.literal('FieldsV1'),
  fieldsV1: z.custom<Record<string, unknown>>(isFieldSet),
  time: z.string().optional(),
  subresource: z.string().optional(),
})

/** @returns undefined to remove all ownership, which a client requests by `[{}]` */
export function managedFieldsOf(given: unknown, stored: ManagedFields[] | undefined): ManagedFields[] | undefined {
  const entries = Array.isArray(given) ? given.map((entry) => entry ?? {}) : []
  if (entries.length === 1 && isFields(entries[0]) && Object.keys(entries[0]).length === 0) return undefined
  const isReadable = entries.length > 0 && z.array(Entry).safeParse(entries).success
  return isReadable ? (entries as ManagedFields[]) : stored
}

function isFieldSet(value: unknown): boolean {
  return isFields(value) && Object.entries(value).every(([step, inner]) => isStep(step) && isFieldSet(inner))
}

/** A field, an item by key, value or index, or `.` for the parent itself. */
function isStep(step: string): boolean {
  if (step === '.' || step.startsWith('f:')) return true
  if (/^i:\d+$/.test(step)) return true
  const value = /^[kv]:/.test(step) ? jsonOf(step.slice(2)) : undefined
  return step.startsWith('k:') ? isFields(value) : value !== undefined
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
