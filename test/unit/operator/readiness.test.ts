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

const cases: { name: string; figures: Partial<ReflectorStats>[]; said: RegExp | undefined }[] = [
  { name: 'nothing, when all is there', figures: [{ synced: true }, { synced: true }], said: undefined },
  { name: 'what is not yet listed', figures: [{ synced: true }, { synced: false }], said: /^first list of pods$/ },
  {
    name: 'kinds that are not installed, or not in this version, and what to do',
    figures: [{ synced: false, trouble: 'GET /apis/downpour.dev/v1alpha1/pretrainjobs: 404 NotFound: page not found' }],
    said: /^first list of PretrainJob: .*404 NotFound.*install the CustomResourceDefinitions/,
  },
  {
    name: 'a verb that is forbidden',
    figures: [{ synced: true }, { synced: true, trouble: 'GET /api/v1/pods: 403 Forbidden: cannot watch' }],
    said: /^watch of pods: .*403 Forbidden: cannot watch.*grant it to the operator's service account/,
  },
  {
    name: 'a server that does not answer, whatever its port',
    figures: [{ synced: true, trouble: 'GET /apis: https://10.0.0.1:40443 did not answer: connect ECONNREFUSED' }],
    said: /^watch of PretrainJob: .*connect ECONNREFUSED$/,
  },
]

for (const { name, figures, said } of cases) {
  test(`readiness tells ${name}`, () => {
    const text = describeWaiting(watches(...figures))
    if (said) assert.match(text ?? '', said)
    else assert.equal(text, undefined)
  })
}
