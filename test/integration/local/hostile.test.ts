/** Whatever a client sends, the local API server says what is wrong with it: a request is never an internal error. */
import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import fc from 'fast-check'
import { API_VERSION } from '../../../src/contract/names.ts'
import { type Answer, APPLY, Api, JSON_PATCH, MERGE, STRATEGIC } from '../../conformance/api.ts'
import { finetune, pretrain } from '../../support/job-cases.ts'
import { startTestCluster, type TestCluster } from '../../support/local-cluster.ts'

const PATCHES = [JSON_PATCH, MERGE, STRATEGIC, APPLY]
const REFUSED = [400, 404, 405, 409, 413, 415, 422]
const RUNS = Number(process.env.DOWNPOUR_HOSTILE_RUNS ?? 400)

type Json = Record<string, unknown>

let cluster: TestCluster
let api: Api
before(async () => {
  cluster = await startTestCluster({ runPods: false })
  api = new Api(cluster.kubeconfigPath)
})
after(async () => {
  await api.close()
  await cluster.dispose()
})

const WHERE = (plural: string) => `/api/v1/namespaces/${api.namespace}/${plural}`
const OURS = (plural: string) => `/apis/${API_VERSION}/namespaces/${api.namespace}/${plural}`
const core = (kind: string, fields: Json): Json => ({ apiVersion: 'v1', kind, metadata: { name: 'it' }, ...fields })
const jobOf = ({ metadata: _, ...job }: Json): Json => ({ ...job, metadata: { name: 'it' } })

/** One object of each kind, and where it lies. */
const OBJECTS: [kind: string, path: () => string, object: Json][] = [
  ['PretrainJob', () => OURS('pretrainjobs'), jobOf({ ...pretrain() })],
  ['FinetuneJob', () => OURS('finetunejobs'), jobOf({ ...finetune() })],
  [
    'Pod',
    () => WHERE('pods'),
    core('Pod', {
      spec: {
        containers: [
          {
            name: 'main',
            image: 'x',
            env: [{ name: 'A', value: 'b' }],
            volumeMounts: [{ name: 'v', mountPath: '/v' }],
          },
        ],
        volumes: [{ name: 'v', emptyDir: {} }],
        tolerations: [{ key: 'a' }],
      },
    }),
  ],
  ['Service', () => WHERE('services'), core('Service', { spec: { clusterIP: 'None', ports: [{ port: 1 }] } })],
  ['ConfigMap', () => WHERE('configmaps'), core('ConfigMap', { data: { a: 'b' } })],
  ['Event', () => WHERE('events'), core('Event', { involvedObject: { name: 'a' }, count: 1 })],
  [
    'PersistentVolumeClaim',
    () => WHERE('persistentvolumeclaims'),
    core('PersistentVolumeClaim', {
      spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
    }),
  ],
]
const META: Json = {
  name: 'it',
  labels: { a: 'b' },
  annotations: { 'local.downpour.dev/path': '/nowhere' },
  finalizers: ['example.com/a'],
  ownerReferences: [{ apiVersion: 'v1', kind: 'Pod', name: 'a', uid: 'b' }],
  managedFields: [
    {
      manager: 'm',
      operation: 'Apply',
      apiVersion: API_VERSION,
      time: '2026-01-01T00:00:00Z',
      fieldsType: 'FieldsV1',
      fieldsV1: { 'f:spec': { 'f:seed': {}, 'k:{"name":"a"}': { '.': {} }, 'v:1': {} } },
    },
  ],
}

const odd = fc.oneof(
  fc.constantFrom(null, true, '', 'x', 0, -1, 1.5, 1e300, [], {}, [null], [[]], [{}], { a: null }, [1, 1]),
  fc.constantFrom<unknown>({ $patch: 'delete' }, { $patch: 'replace' }, [{ $patch: 'delete' }], [{ name: 'main' }]),
  fc.constantFrom('__proto__', 'constructor', '{"a":', 'x'.repeat(300), '../..', '\u0000', 'a=b', '2026-01-01'),
  fc.jsonValue({ maxDepth: 2 }),
)
const key = fc.constantFrom('__proto__', 'toString', 'constructor', 'name', 'x', '', 'f:', 'k:{', 'v:', '.')

/** A copy with another value, another field or a field less somewhere. */
const mutated = (object: Json) =>
  fc
    .array(fc.tuple(fc.nat(), fc.constantFrom('set', 'add', 'drop'), key, odd), { minLength: 1, maxLength: 3 })
    .map((changes) => changes.reduce((one, change) => changedAt(one, ...change), structuredClone(object)))

function changedAt(object: Json, at: number, how: string, name: string, value: unknown): Json {
  const places = placesOf(object)
  const [holder, field] = places[at % Math.max(1, places.length)] ?? []
  const own = structuredClone(value)
  if (!holder || field === undefined) return object
  if (how === 'drop') delete holder[field]
  else if (how === 'set') holder[field] = own
  else Object.defineProperty(holder, name, { value: own, enumerable: true, configurable: true, writable: true })
  return object
}

function placesOf(value: unknown): [Json, string][] {
  if (typeof value !== 'object' || value === null) return []
  const holder = value as Json
  return Object.entries(holder).flatMap(([field, inner]) => [[holder, field] as [Json, string], ...placesOf(inner)])
}

function isAnswered({ status, body }: Answer, what: string): void {
  const told = typeof body === 'object' ? body.message : body
  assert.ok(status === 200 || status === 201 || REFUSED.includes(status), `${status} ${told} to ${what}`)
}

async function ask(method: string, path: string, body: unknown, type?: string): Promise<void> {
  const answer = await api.call(method, path, { body, ...(type ? { type } : {}) })
  isAnswered(answer, `${method} ${path} ${type ?? ''} ${JSON.stringify(body)}`)
}

suite('what is no object is refused, not stumbled over', () => {
  for (const [kind, path, base] of OBJECTS) {
    const object = { ...base, metadata: META }

    test(`${kind}: written`, async () => {
      await fc.assert(
        fc.asyncProperty(fc.oneof(mutated(object), odd), async (body) => {
          await ask('POST', `${path()}?dryRun=All`, body)
        }),
        { numRuns: RUNS },
      )
    })

    test(`${kind}: replaced and patched, with what others patched before`, async () => {
      await api.create(path(), base)
      const patch = fc.oneof(mutated(object), mutated({ metadata: META }), odd, jsonPatches)
      await fc.assert(
        fc.asyncProperty(
          fc.constantFrom('', '/status', '/scale'),
          fc.constantFrom('', ...PATCHES),
          patch,
          fc.boolean(),
          async (subresource, type, body, dry) => {
            const query = `fieldManager=m${dry ? '&dryRun=All' : ''}`
            const method = type === '' ? 'PUT' : 'PATCH'
            await ask(method, `${path()}/it${subresource}?${query}`, body, type || undefined)
          },
        ),
        { numRuns: 2 * RUNS },
      )
      isAnswered(await api.get(path()), 'GET')
      isAnswered(await api.get(`${path()}/it`), 'GET')
      isAnswered(
        await api.call('GET', path(), { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' }),
        'GET a table',
      )
      await api.call('DELETE', `${path()}/it`, {})
    })
  }
})

const pointer = fc
  .array(
    fc.constantFrom('', 'metadata', 'spec', 'labels', '__proto__', '-', '0', 'workers', 'replicas', '~1', '~', 'name'),
  )
  .map((steps) => steps.map((step) => `/${step}`).join(''))
const jsonPatches = fc.array(
  fc.oneof(
    odd,
    fc.record({
      op: fc.constantFrom('add', 'remove', 'replace', 'move', 'copy', 'test', 'toString', '__proto__', 'none'),
      path: pointer,
      from: pointer,
      value: odd,
    }),
  ),
  { maxLength: 3 },
)
