/** No message and no report shows the value of an environment variable, which may be a key. */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { issueText, validateJob } from '../../../src/api/parse.ts'
import { withoutSecrets } from '../../../src/api/secrets.ts'
import { finetune, pretrain, transfer } from '../../support/job-cases.ts'

const KEY = 'sk-4711'
const name = 'WANDB_API_KEY'
const inWorkers = (template: object) => pretrain({ workers: { replicas: 2, template } })

const WRONG: Readonly<Record<string, object>> = {
  'value beside valueFrom': inWorkers({
    env: [{ name, value: KEY, valueFrom: { secretKeyRef: { name: 'a', key: 'b' } } }],
  }),
  'a number as value': inWorkers({ env: [{ name, value: 471_147_114_711 }] }),
  'a list as value': inWorkers({ env: [{ name, value: [KEY] }] }),
  'an unknown field of a variable': inWorkers({ env: [{ name, vale: KEY }] }),
  'a text in place of a variable': inWorkers({ env: [KEY] }),
  'a text in place of the list': inWorkers({ env: `${name}=${KEY}` }),
  'a map in place of the list': inWorkers({ env: { [name]: KEY } }),
  'a map with a variable called name': inWorkers({ env: { name: KEY, valueFrom: KEY } }),
  'a list in a list': inWorkers({ env: [[{ name, value: KEY }]] }),
  "a variable of the operator's": inWorkers({ env: [{ name: 'DOWNPOUR_KEY', value: KEY }] }),
  'another name of the field': inWorkers({ environment: { [name]: KEY } }),
  'variables beside the template': pretrain({ workers: { env: [{ name, value: KEY }] } }),
  'variables in the root of the spec': pretrain({ env: [{ name, value: KEY }] }),
  'variables beside the spec': { ...pretrain(), envVars: [{ name, value: KEY }] },
  'a template in the wrong place': pretrain({ template: { env: [{ name, value: KEY }] } }),
  'variables of a transfer': pretrain({ transfers: [transfer({}, { evaluator: { env: [{ name, value: KEY }] } })] }),
  'variables of an evaluator': finetune({ evaluator: { template: { env: [{ name, value: { key: KEY } }] } } }),
}

suite('values of environment variables', () => {
  for (const [what, job] of Object.entries(WRONG))
    test(`are not in the message about ${what}`, () => {
      const issues = validateJob(job)
      assert.notEqual(issues.length, 0)
      const text = issues.map(issueText).join('\n')
      assert.doesNotMatch(text, /4711/)
      assert.match(text, /not shown/)
    })

  test('are hidden, while names and sources of variables are shown', () => {
    const both = WRONG['value beside valueFrom'] as object
    assert.deepEqual(validateJob(both).map(issueText), [
      'spec.workers.template.env[0]: {"name":"WANDB_API_KEY","value":"(not shown)","valueFrom":{"secretKeyRef":{"name":"a","key":"b"}}}: cannot have both value and valueFrom',
    ])
    const [misnamed] = validateJob(inWorkers({ env: [{ name: 'A B', value: KEY }] })).map(issueText)
    assert.match(misnamed ?? '', /^spec\.workers\.template\.env\[0\]\.name: "A B": expected/)
  })

  test('are not confused with labels and node selectors named env', () => {
    const template = { nodeSelector: { env: 'prod' }, labels: { environment: 'prod' } }
    assert.deepEqual(withoutSecrets(inWorkers(template)), inWorkers(template))
    const [issue] = validateJob(inWorkers({ nodeSelector: { env: 4 } })).map(issueText)
    assert.match(issue ?? '', /^spec\.workers\.template\.nodeSelector\.env: 4: /)
  })

  test('are removed everywhere in a job, and nothing else is', () => {
    const place = fc.constantFrom('workers', 'parameterServer', 'evaluator')
    const value = fc.string({ minLength: 1 })
    fc.assert(
      fc.property(place, value, (role, secret) => {
        const variable = { name, value: `<${secret}>` }
        const job = pretrain({
          [role]: { template: { env: [variable] } },
          transfers: [transfer({}, { [role]: variable })],
        })
        const expected = pretrain({
          [role]: { template: { env: [{ name, value: '(not shown)' }] } },
          transfers: [transfer({}, { [role]: variable })],
        })
        assert.deepEqual(withoutSecrets(job), expected)
      }),
    )
  })

  test("are removed from kubectl's last-applied-configuration", () => {
    const annotations = { 'kubectl.kubernetes.io/last-applied-configuration': `{"value":"${KEY}"}`, team: 'birds' }
    const shown = withoutSecrets({ metadata: { annotations } })
    assert.deepEqual(shown.metadata.annotations, {
      'kubectl.kubernetes.io/last-applied-configuration': '(not shown)',
      team: 'birds',
    })
  })
})
