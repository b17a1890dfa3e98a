import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { parseJob, readJob, validateJob } from '../../../src/api/parse.ts'
import { pretrain } from '../../support/job-cases.ts'
import { METADATA_CASES } from '../../support/metadata-cases.ts'

const jobOf = (metadata: object) => ({ ...pretrain(), metadata: { ...pretrain().metadata, ...metadata } })

suite('`downpour validate` checks metadata:', () => {
  for (const [what, metadata, refused] of METADATA_CASES)
    test(`${what} ${refused ? 'is refused' : 'is accepted'}`, () => {
      const paths = validateJob(jobOf(metadata)).map(({ path }) => path)
      assert.deepEqual(paths, refused ? [refused] : [])
    })
})

test('unknown metadata of a later API server does not make a stored job invalid', () => {
  const job = jobOf({ shard: 'a', creationTimestamp: 'at noon', ownerReferences: [{ cluster: 'a' }] })
  assert.equal(readJob(job).issues, undefined)
  assert.equal(parseJob(job).metadata.name, 'jft')
})

test('a status in a file may have the fields that the operator writes, and no others', () => {
  const withStatus = (status: unknown) => validateJob({ ...pretrain(), status }).map(({ path }) => path)
  assert.deepEqual([{ phase: 'Running' }, { phase: 7 }, null, 'x'].flatMap(withStatus), [])
  assert.deepEqual(withStatus({ phase: 'Running', foo: 1 }), ['status.foo'])
})

test('a job too large to be stored with its status is refused with its size', () => {
  const env = (letters: number) => [{ name: 'A', value: 'x'.repeat(letters) }]
  const template = (letters: number) => ({ template: { affinity: { note: env(letters) } } })
  assert.deepEqual(validateJob(pretrain({ workers: template(1_400_000) })), [])
  const [issue] = validateJob(pretrain({ workers: template(1_500_000) }))
  assert.deepEqual([issue?.path, Number(issue?.value) > 1_500_000], ['spec', true])
  assert.match(issue?.message ?? '', /at most 1441792 bytes/)
})

test('propagated annotations must fit into a pod together with those of its template', () => {
  const annotations = (letters: number) => ({ note: 'x'.repeat(letters) })
  const job = (letters: number) => {
    const written = pretrain({
      propagate: { annotations: ['note'] },
      workers: { template: { annotations: { a: 'b' } } },
    })
    return { ...written, metadata: { ...written.metadata, annotations: annotations(letters) } }
  }
  assert.deepEqual(validateJob(job(250_000)), [])
  assert.deepEqual(
    validateJob(job(260_000)).map(({ path, value }) => [path, value]),
    [['spec.propagate.annotations', 260_004]],
  )
})
