/** Labels, annotations and node selectors of pods by the rules of the API server, without those that the operator sets. */
import { z } from 'zod'
import { GROUP, LABELS } from '../contract/names.ts'
import { type Check, celPattern, mapOf, text } from './checks.ts'

const MAX_ENTRIES = 64
/** With keys and values of maximal length, the sum stays below MAX_ANNOTATION_BYTES. */
const MAX_ANNOTATIONS = 48
const NAME = '[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?'
const PREFIX_OF = (letters: string) =>
  `[${letters}0-9]([-${letters}0-9]*[${letters}0-9])?(\\.[${letters}0-9]([-${letters}0-9]*[${letters}0-9])?)*/`
const LABEL_VALUE = new RegExp(`^(${NAME})?$`)
/** A name of at most 63 characters, and a domain of at most 253 before it. */
export const LABEL_KEY = new RegExp(`^(${PREFIX_OF('a-z')})?${NAME}$`)
/** The domain of an annotation may contain capitals. */
export const ANNOTATION_KEY = new RegExp(`^(${PREFIX_OF('a-zA-Z')})?${NAME}$`)
const KEY_LENGTHS = /^([^/]{1,253}\/)?[^/]{1,63}$/
/** Annotations with a meaning for the kubelet, controllers or older fields of pods. The API server has special rules for their values. */
const OF_KUBERNETES =
  /^((container\.)?(apparmor\.security\.beta|seccomp\.security\.alpha|scheduler\.alpha)\.kubernetes\.io\/.*|kubernetes\.io\/config\..*|controller\.kubernetes\.io\/pod-deletion-cost)$/

type Texts = Record<string, string>

const keysMatch = (pattern: RegExp): Check<Readonly<Record<string, unknown>>> => ({
  message: "must have keys such as team or example.com/team: letters, digits, '-', '_' and '.', at most 63 characters",
  holds: (map) => Object.keys(map).every((key) => pattern.test(key) && KEY_LENGTHS.test(key)),
  cel: `self.all(key, key.matches(${celPattern(pattern)}) && key.matches(${celPattern(KEY_LENGTHS)}))`,
})

/** For maps and lists of keys. */
export const NOT_OURS: Check<Texts | readonly string[]> = {
  message: `must leave ${LABELS.managedBy} and keys of ${GROUP} to the operator`,
  holds: (keys) => !keysOf(keys).some((key) => key === LABELS.managedBy || key.startsWith(`${GROUP}/`)),
  cel: `self.all(key, key != '${LABELS.managedBy}' && !key.startsWith('${GROUP}/'))`,
}

/** For maps and lists of annotation keys. An AppArmor profile could be `unconfined`. */
export const NOT_OF_KUBERNETES: Check<Texts | readonly string[]> = {
  message: 'must not hold annotations with a meaning for Kubernetes, such as AppArmor and seccomp profiles',
  holds: (keys) => !keysOf(keys).some((key) => OF_KUBERNETES.test(key)),
  cel: `self.all(key, !key.matches(${celPattern(OF_KUBERNETES)}))`,
}

function keysOf(keys: Texts | readonly string[]): readonly string[] {
  return Array.isArray(keys) ? keys : Object.keys(keys)
}

export const labelValue = z
  .string()
  .max(63)
  .regex(LABEL_VALUE, "a label: letters, digits, '-', '_' and '.', at most 63 characters, or nothing")

/** Short enough that the length of the domain need not be checked. */
export const labelKey = z
  .string()
  .max(253)
  .regex(new RegExp(`^(${LABEL_KEY.source.slice(1, -1)})?$`), 'a label key such as team or example.com/team')

export const nodeSelector = mapOf(labelValue, MAX_ENTRIES, keysMatch(LABEL_KEY))
export const podLabels = mapOf(labelValue, MAX_ENTRIES, keysMatch(LABEL_KEY), NOT_OURS)
export const podAnnotations = mapOf(text(1024), MAX_ANNOTATIONS, keysMatch(ANNOTATION_KEY), NOT_OURS, NOT_OF_KUBERNETES)

/** The API server's limit for all annotations of an object. */
export const MAX_ANNOTATION_BYTES = 256 * 1024

/** Labels of a job. The API server checks them as well. */
export const jobLabels = z
  .record(z.string(), labelValue.nullable().describe('The API server treats null as an empty text.'))
  .refine(keysMatch(LABEL_KEY).holds, keysMatch(LABEL_KEY).message)
export const jobAnnotations = z
  .record(z.string(), z.string().nullable())
  .refine(keysMatch(ANNOTATION_KEY).holds, keysMatch(ANNOTATION_KEY).message)
  .refine((map) => bytesOf(map) <= MAX_ANNOTATION_BYTES, `must have at most ${MAX_ANNOTATION_BYTES} bytes in all`)

export function bytesOf(map: Readonly<Record<string, string | null>>): number {
  return Object.entries(map).reduce((sum, [key, value]) => sum + Buffer.byteLength(`${key}${value ?? ''}`), 0)
}
