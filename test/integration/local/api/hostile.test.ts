/** The local API server answers any request with a reason, and never with an internal error. */
import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import fc from 'fast-check'
import { API_VERSION } from '../../../../src/contract/names.ts'
import { type Answer, APPLY, Api, JSON_PATCH, MERGE, STRATEGIC } from '../../../conformance/api.ts'
import { finetune, pretrain } from '../../../support/job-cases.ts'
import { startTestCluster, type TestCluster } from '../../../support/local-cluster.ts'

const PATCHES = [JSON_PATCH, MERGE, STRATEGIC, APPLY]
const REFUSED = [400, 404, 405, 409, 413, 415, 422]
const RUNS = Number(process.env.DOWNPOUR_HOSTILE_RUNS ?? 400)
const SEED = Number(process.env.DOWNPOUR_HOSTILE_SEED ?? 1)

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

/** One object of each kind, and its path. */
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

/** A copy with one random change: another value, an additional field, or a missing field. */
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
  const answer = typeof body === 'object' ? body.message : body
  assert.ok(status === 200 || status === 201 || REFUSED.includes(status), `${status} ${answer} to ${what}`)
}

async function ask(method: string, path: string, body: unknown, type?: string): Promise<void> {
  const answer = await api.call(method, path, { body, ...(type ? { type } : {}) })
  isAnswered(answer, `${method} ${path} ${type ?? ''} ${JSON.stringify(body)}`)
}

suite('the server refuses a body that exceeds its bounds', { timeout: 20_000 }, () => {
  const laughs = [...Array(20).keys()].map((i) => `a${i + 1}: &a${i + 1} [${Array(9).fill(`*a${i}`).join(',')}]`)
  const nested = (levels: number) => `${'{"a":'.repeat(levels)}1${'}'.repeat(levels)}`
  const JSON_TYPE = 'application/json'
  const cases: [what: string, type: string, raw: string, message: RegExp][] = [
    ['nested JSON', JSON_TYPE, nested(200_000), /nested more than 100 levels/],
    [
      'lists that are nested 200,000 levels deep',
      MERGE,
      '['.repeat(200_000) + ']'.repeat(200_000),
      /nested more than 100 levels/,
    ],
    ['a million values', JSON_TYPE, `[${Array(1e6).fill(1)}]`, /more than 250000 values/],
    ['a billion laughs', APPLY, `a0: &a0 [x]\n${laughs.join('\n')}`, /more than /],
    ['a YAML anchor that contains itself', 'application/yaml', 'a: &x [*x]', /anchor "x"/],
    ['nested YAML', 'application/yaml', '['.repeat(5_000), /cannot be read/],
    ['truncated JSON', JSON_TYPE, '{"a":', /cannot be read/],
    ['bytes that are not UTF-8', JSON_TYPE, '\ud800', /cannot be read/],
  ]
  for (const [what, type, raw, message] of cases)
    test(what, async () => {
      const isPatch = type === MERGE || type === APPLY
      const path = isPatch ? `${WHERE('configmaps')}/it?fieldManager=m` : WHERE('configmaps')
      if (isPatch) await api.create(WHERE('configmaps'), core('ConfigMap', {}))
      const { status, body } = await api.call(isPatch ? 'PATCH' : 'POST', path, { raw, type })
      assert.equal(status, 400)
      assert.match(body.message, message)
      await api.call('DELETE', `${WHERE('configmaps')}/it`)
    })
})

test('invalid managedFields change nothing, and [{}] removes all ownership', async () => {
  const path = `${WHERE('configmaps')}/owned`
  const { metadata: _, ...map } = core('ConfigMap', { data: { a: 'b' } })
  await api.apply(path, { ...map, metadata: { name: 'owned' } }, 'me')
  const owners = async (managedFields: unknown) => {
    const { status, body } = await api.patch(path, { metadata: { managedFields } })
    assert.equal(status, 200, body.message)
    return (body.metadata.managedFields ?? []).map((entry: { manager: string }) => entry.manager)
  }
  const [entry] = (await api.get(path)).body.metadata.managedFields
  const broken = [null, [], 'x', 1, { 'f:a': 1 }, { 'k:{': {} }, { 'v:': {} }, { 'i:x': {} }, { a: {} }]
  for (const fieldsV1 of broken) assert.deepEqual(await owners([{ ...entry, fieldsV1 }]), ['me'])
  assert.deepEqual(await owners([]), ['me'])
  assert.deepEqual(await owners([entry, { ...entry, manager: 'you' }]), ['me', 'you'])
  assert.deepEqual(await owners([{}]), [])
  await api.call('DELETE', path)
})

suite('a value that should be an object and is not gives a 4xx answer', () => {
  for (const [kind, path, base] of OBJECTS) {
    const object = { ...base, metadata: META }

    test(`to the creation of a ${kind}`, async () => {
      await fc.assert(
        fc.asyncProperty(fc.oneof(mutated(object), odd), async (body) => {
          await ask('POST', `${path()}?dryRun=All`, body)
        }),
        { numRuns: RUNS, seed: SEED },
      )
    })

    test(`to the replacement and patches of a ${kind}, also after earlier patches`, async () => {
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
        { numRuns: 2 * RUNS, seed: SEED },
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
