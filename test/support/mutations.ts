/** Changes valid jobs at random in a few places. The same seed gives the same changes. */
import { crdFor } from '../../src/api/crd.ts'
import type { Schema } from '../../src/api/schema.ts'
import { JOB_KINDS, type JobKind } from '../../src/contract/names.ts'
import type { Random } from '../../src/support/random.ts'
import { finetune, JOB_CASES, pretrain, type RawJob, transfer } from './job-cases.ts'
import { absentField, pick, schemaAt, valueBeyond, valueWithin } from './near-values.ts'

type Key = string | number
type Container = Record<string, unknown> | unknown[]
interface Place {
  at: Container
  key: Key
  path: string
  /** Schema of the value; undefined where the CRD does not describe it. */
  schema: Schema | undefined
}

export interface Mutated {
  job: RawJob
  changes: string[]
  /** Names of the functions that made the changes. */
  kinds: string[]
}

const template = {
  labels: { team: 'vision', 'example.com/cost-center': '42' },
  annotations: { 'example.com/owner': 'me' },
  resources: {
    requests: { cpu: '500m', memory: '1Gi', 'nvidia.com/gpu': 1 },
    limits: { cpu: 1, memory: '2Gi', 'nvidia.com/gpu': '1' },
  },
  nodeSelector: { disk: 'ssd' },
  tolerations: [
    { key: 'gpu', operator: 'Equal', value: 'yes', effect: 'NoExecute', tolerationSeconds: 60 },
    { operator: 'Exists' },
  ],
  affinity: { nodeAffinity: {} },
  topologySpreadConstraints: [
    { maxSkew: 1, topologyKey: 'zone', whenUnsatisfiable: 'ScheduleAnyway', labelSelector: {} },
  ],
  env: [
    { name: 'A', value: '1' },
    { name: 'B', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
    { name: 'C', valueFrom: { secretKeyRef: { name: 'tokens', key: 'hub', optional: true } } },
    { name: 'D', valueFrom: { resourceFieldRef: { resource: 'limits.memory', divisor: '1Mi' } } },
  ],
  volumes: [
    { name: 'scratch', emptyDir: {} },
    { name: 'settings', configMap: { name: 'settings' } },
  ],
  volumeMounts: [
    { name: 'scratch', mountPath: '/scratch', subPath: 'a/b' },
    { name: 'settings', mountPath: '/settings', readOnly: true },
  ],
  securityContext: { runAsUser: 1000, fsGroup: 1000, seccompProfile: { type: 'RuntimeDefault' } },
  serviceAccountName: 'default',
  terminationGracePeriodSeconds: 45,
}

const fullSpec = {
  suspend: true,
  failurePolicy: { permanentExitCodes: [3, 4], retryableExitCodes: [5] },
  backoffLimit: 5,
  progressDeadlineSeconds: 60,
  activeDeadlineSeconds: 600,
  cleanPodPolicy: 'None',
  ttlSecondsAfterFinished: 60,
  scheduling: { queueName: 'team-a' },
  model: { backbone: 'resnet50' },
  input: { resizePixels: 64, cropPixels: 56, flip: false },
  optimizer: { type: 'rmsprop', decay: 0.9, momentum: 0.9, epsilon: 1e-3 },
  learningRate: { type: 'piecewise', boundaries: [10, 20], values: [1, 0.1, 0.01] },
  batchSize: 8,
  weightDecay: 0,
  batchNorm: { decay: 0.9, epsilon: 1e-3 },
  maxSteps: 1000,
  seed: 7,
  async: {
    fetchEvery: 2,
    pushEvery: 2,
    policy: { type: 'dcAsgd', delayCompensation: 0.1 },
    maxStaleness: 9,
    warmStartSteps: 5,
  },
  parameterServer: { replicas: 2, template },
  workers: {
    replicas: 4,
    quorum: 2,
    stragglers: { policy: 'Replace', slowerThan: 3, forSeconds: 60, maxReplacements: 5 },
    template,
  },
  runtime: { backend: 'wasm', image: 'registry.example.com/downpour:1' },
  maxNonFinite: 3,
  metrics: { perWorker: false },
}

/** Every field appears in at least one of these jobs; a preset fills the fields that the short ones omit. */
export const GOOD_JOBS: readonly RawJob[] = [
  ...JOB_CASES.filter(({ issue }) => issue === undefined).map(({ job }) => job),
  ...Array.from({ length: 6 }, () => [
    named(
      pretrain({
        ...fullSpec,
        task: { type: 'multi-label', classes: 100, headSlices: 2 },
        transfers: [transfer({ at: { success: true, steps: [5, 9] } }, { workers: { template } })],
      }),
    ),
    named(
      finetune({
        ...fullSpec,
        task: { type: 'imagenet-classification', classes: 100, headSlices: 2 },
        evaluator: { template },
      }),
    ),
  ]).flat(),
]

function named(job: RawJob): RawJob {
  const metadata = { ...job.metadata, labels: { team: 'vision' }, annotations: { 'example.com/owner': 'me' } }
  return { ...job, metadata }
}

/** Values of wrong types, at limits and beyond, as people and programs write them by mistake. */
const ODD: readonly unknown[] = [
  null, true, false, 0, 1, -1, 2, 5, 1.5, -0.5, 1e-9, 1e21, 1e300, 2 ** 31 - 1, 2 ** 31, 2 ** 53, -(2 ** 63),
  '', ' ', 'a', 'a-1', 'A', 'Team', 'a.b', 'a/b', 'a b', ' a', 'a ', '-a', 'a-', '1', '1a', '0', '-1', '1.5', 'NaN', 'null',
  'true', 'Infinity', '1e3', '4Gi', '0.5', '500m', '4GB', 'ü', '日本', '😀', '\u0000', 'a\nb', '\u001b[31m', '..', '../a',
  '/a', '/tmp', '/a:b', 'latest', 'step', 'random', 'frozen', 'Exists', 'momentum', 'DOWNPOUR_CONFIG', 'nvidia.com/gpu',
  'downpour.dev/role', 'x'.repeat(41), 'x'.repeat(64), 'x'.repeat(254), 'x'.repeat(1025), 'x'.repeat(20_000), '😀'.repeat(600),
  {}, [], [null], [1], ['a'], { a: 1 }, { name: 'a' }, { name: 'a', value: '1' }, { '': '' }, { type: 'constant', initial: 1 },
] // biome-ignore format: one list

const ODD_KEYS = [
  '',
  ' ',
  'a',
  'Name',
  'a.b/c',
  'downpour.dev/role',
  'cpu',
  'gpu',
  'memory',
  'x'.repeat(70),
  'ü',
  'toString',
]

/** @returns a job with one to three changes, and a description of each */
export function mutate(good: RawJob, random: Random): Mutated {
  const job = JSON.parse(JSON.stringify(good)) as RawJob
  const made = Array.from({ length: random.int(3) === 0 ? 2 + random.int(2) : 1 }, () => change(job, good.kind, random))
  const changes = made.map(({ text }) => text)
  // As it is sent: JSON drops undefined fields.
  return { job: JSON.parse(JSON.stringify(job)), changes, kinds: made.map(({ kind }) => kind) }
}

const SCHEMAS = Object.fromEntries(
  JOB_KINDS.map((kind) => [kind, crdFor(kind).spec.versions[0]?.schema.openAPIV3Schema as Schema]),
) as Record<JobKind, Schema>

/** About half of them stay within the schema, so that the validation rules decide. */
const CHANGES = [
  within, within, within, grow, grow, grow, borrow, borrow, reorder, remove, remove,
  beyond, beyond, set, nudge, nudge, add, swap, repeat,
] // biome-ignore format: one list

function change(job: RawJob, of: JobKind, random: Random): { kind: string; text: string } {
  const places = placesOf(job as unknown as Container, SCHEMAS[of])
  const made = pick(CHANGES, random)
  return { kind: made.name, text: made(pick(places, random), random, places) }
}

/** Sets another value that the schema allows, sometimes one at a limit. */
function within(place: Place, random: Random): string {
  const value = place.schema && valueWithin(place.schema, random)
  return value === undefined ? nudge(place, random) : write(place, value)
}

function beyond(place: Place, random: Random): string {
  const value = place.schema && valueBeyond(place.schema, random)
  return value === undefined ? nudge(place, random) : write(place, value)
}

/** Adds a field that the object may have and lacks. */
function grow(place: Place, random: Random, places: readonly Place[]): string {
  const open = places.filter((one) => isFields(fieldOf(one)) && one.schema?.properties)
  const { schema = {}, path, ...at } = pick(open.length > 0 ? open : [place], random)
  const object = fieldOf({ ...at, path, schema })
  const key = isFields(object) ? absentField(schema, object, random) : undefined
  const value = key === undefined ? undefined : valueWithin(schemaAt(schema, key) ?? {}, random)
  if (key === undefined || value === undefined) return remove(place)
  return write({ at: object as Container, key, path: `${path}/${key}`, schema: undefined }, value)
}

/** Sets the value that a field of the same name or schema has elsewhere in the job. */
function borrow(place: Place, random: Random, places: readonly Place[]): string {
  const alike = places.filter(
    (one) => one.path !== place.path && (one.key === place.key || (one.schema && one.schema === place.schema)),
  )
  return alike.length === 0 ? within(place, random) : write(place, copy(fieldOf(pick(alike, random))))
}

/** Reverses the list that holds the entry. */
function reorder(place: Place, random: Random): string {
  if (!Array.isArray(place.at)) return borrow(place, random, [])
  place.at.reverse()
  return `reverse the list of ${place.path}`
}

function set(place: Place, random: Random): string {
  return write(place, odd(random))
}

/** Sets a similar value: the next number, the text with one character more. */
function nudge(place: Place, random: Random): string {
  const value = fieldOf(place)
  if (typeof value === 'number') return write(place, value + pick([1, -1, 0.5, 10, -value, value], random))
  if (typeof value === 'boolean') return write(place, !value)
  if (typeof value === 'string')
    return write(place, pick([`${value}x`, value.slice(1), value.toUpperCase(), `${value} `, `${value}-2`], random))
  return set(place, random)
}

function remove({ at, key, path }: Place): string {
  if (Array.isArray(at)) at.splice(Number(key), 1)
  else delete at[key]
  return `remove ${path}`
}

function add({ at, path }: Place, random: Random, places: readonly Place[]): string {
  const value = random.int(2) === 0 ? odd(random) : copy(fieldOf(pick(places, random)))
  if (Array.isArray(at)) {
    at.push(value)
    return `append beside ${path}: ${shown(value)}`
  }
  const key = random.int(3) === 0 ? pick(ODD_KEYS, random) : String(pick(places, random).key)
  return write({ at, key, path: `${path}/../${key}`, schema: undefined }, value)
}

function swap(one: Place, random: Random, places: readonly Place[]): string {
  const other = pick(places, random)
  const [a, b] = [copy(fieldOf(one)), copy(fieldOf(other))]
  write(one, b)
  write(other, a)
  return `swap ${one.path} and ${other.path}`
}

function repeat(place: Place, random: Random): string {
  if (!Array.isArray(place.at)) return nudge(place, random)
  place.at.push(copy(fieldOf(place)))
  return `repeat ${place.path}`
}

/** Lists every field and entry, except the namespace, which must equal the one of the request's path. */
function placesOf(at: Container, schema: Schema | undefined, path = ''): Place[] {
  const keys: Key[] = Array.isArray(at) ? [...at.keys()] : Object.keys(at)
  return keys
    .map((key) => ({ at, key, path: `${path}/${key}`, schema: schema && schemaAt(schema, key) }))
    .filter((place) => place.path !== '/metadata/namespace')
    .flatMap((place) => {
      const value = fieldOf(place)
      const isContainer = typeof value === 'object' && value !== null
      return [place, ...(isContainer ? placesOf(value as Container, place.schema, place.path) : [])]
    })
}

function isFields(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function fieldOf({ at, key }: Place): unknown {
  return (at as Record<Key, unknown>)[key]
}

function write({ at, key, path }: Place, value: unknown): string {
  Object.assign(at, { [key]: value })
  return `${path} = ${shown(value)}`
}

function odd(random: Random): unknown {
  return copy(pick(ODD, random))
}

function copy(value: unknown): unknown {
  return value === undefined ? null : JSON.parse(JSON.stringify(value))
}

function shown(value: unknown): string {
  return JSON.stringify(value).slice(0, 80)
}
