/** Pods, services and claims that local mode refuses as a real API server does. */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { pod, useApi } from './api.ts'

const api = useApi()

const container = (over: object) => pod('wrong', {}, { containers: [{ name: 'main', image: 'none', ...over }] })
const claim = (spec: object) => ({
  apiVersion: 'v1',
  kind: 'PersistentVolumeClaim',
  metadata: { name: 'wrong' },
  spec: { accessModes: ['ReadWriteMany'], resources: { requests: { storage: '1Gi' } }, ...spec },
})
const service = (name: string) => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name },
  spec: { clusterIP: 'None', ports: [{ port: 80 }] },
})

const REFUSED: [what: string, plural: string, object: object, field: string][] = [
  ['a pod without containers', 'pods', pod('wrong', {}, { containers: [] }), 'spec.containers'],
  ['a container without an image', 'pods', container({ image: '' }), 'spec.containers[0].image'],
  ['a container in capitals', 'pods', container({ name: 'Main' }), 'spec.containers[0].name'],
  ['a variable without a name', 'pods', container({ env: [{ name: '' }] }), 'spec.containers[0].env[0].name'],
  ['a variable with =', 'pods', container({ env: [{ name: 'a=b' }] }), 'spec.containers[0].env[0].name'],
  [
    'a variable of two sources',
    'pods',
    container({ env: [{ name: 'a', value: 'b', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } }] }),
    'spec.containers[0].env[0].valueFrom',
  ],
  [
    'a mount without its volume',
    'pods',
    container({ volumeMounts: [{ name: 'v', mountPath: '/v' }] }),
    'spec.containers[0].volumeMounts[0].name',
  ],
  [
    'two volumes of one name',
    'pods',
    pod(
      'wrong',
      {},
      {
        volumes: [
          { name: 'v', emptyDir: {} },
          { name: 'v', emptyDir: {} },
        ],
      },
    ),
    'spec.volumes[1].name',
  ],
  ['a service that begins with a digit', 'services', service('50-workers-pj'), 'metadata.name'],
  ['a claim without access modes', 'persistentvolumeclaims', claim({ accessModes: [] }), 'spec.accessModes'],
  ['a claim of an unknown access mode', 'persistentvolumeclaims', claim({ accessModes: ['All'] }), 'spec.accessModes'],
  ['a claim of no size', 'persistentvolumeclaims', claim({ resources: {} }), 'spec.resources[storage]'],
]

suite('a wrong field gives 422 with its path', () => {
  for (const [what, plural, object, field] of REFUSED)
    test(what, async () => {
      const { status, body } = await api().create(`/api/v1/namespaces/${api().namespace}/${plural}`, object)
      const fields = body.details?.causes?.map((cause: { field: string }) => cause.field)
      assert.equal(status, 422, body.message)
      assert.ok(fields.includes(field), `${fields}: ${body.message}`)
    })
})

test('a variable whose value is a number gives 400', async () => {
  const { status } = await api().create(api().pods, container({ env: [{ name: 'a', value: 4 }] }))
  assert.equal(status, 400)
})
