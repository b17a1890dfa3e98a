import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ReflectorStats } from '../../../src/kube/reflector.ts'
import { describeWaiting } from '../../../src/operator/readiness.ts'
import type { Watches } from '../../../src/operator/watches.ts'

const watches = (...figures: Partial<ReflectorStats>[]) =>
  ({
    reflectors: figures.map((stats, i) => ({
      resource: ['PretrainJob', 'pods'][i],
      reflector: { stats: () => stats },
    })),
  }) as unknown as Watches

const cases: { name: string; figures: Partial<ReflectorStats>[]; expected: RegExp | undefined }[] = [
  { name: 'nothing after all lists were read', figures: [{ synced: true }, { synced: true }], expected: undefined },
  {
    name: 'a resource that is not yet listed',
    figures: [{ synced: true }, { synced: false }],
    expected: /^first list of pods$/,
  },
  {
    name: 'kinds that are not installed, and how to install them',
    figures: [{ synced: false, trouble: 'GET /apis/downpour.dev/v1alpha1/pretrainjobs: 404 NotFound: page not found' }],
    expected: /^first list of PretrainJob: .*404 NotFound.*install the CustomResourceDefinitions/,
  },
  {
    name: 'a verb that is forbidden, and how to grant it',
    figures: [{ synced: true }, { synced: true, trouble: 'GET /api/v1/pods: 403 Forbidden: cannot watch' }],
    expected: /^watch of pods: .*403 Forbidden: cannot watch.*grant it to the operator's service account/,
  },
  {
    name: 'an API server that does not answer, even on a port that contains 404',
    figures: [{ synced: true, trouble: 'GET /apis: https://10.0.0.1:40443 did not answer: connect ECONNREFUSED' }],
    expected: /^watch of PretrainJob: .*connect ECONNREFUSED$/,
  },
]

for (const { name, figures, expected } of cases) {
  test(`readiness reports ${name}`, () => {
    const text = describeWaiting(watches(...figures))
    if (expected) assert.match(text ?? '', expected)
    else assert.equal(text, undefined)
  })
}
