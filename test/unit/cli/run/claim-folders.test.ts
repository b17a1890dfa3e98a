import assert from 'node:assert/strict'
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, suite, test } from 'node:test'
import type { Manifest } from '../../../../src/cli/manifests.ts'
import { claimFolderFindings } from '../../../../src/cli/run/claim-folders.ts'
import { DownpourError } from '../../../../src/support/errors.ts'
import { finetune, pretrain, type RawJob, transfer } from '../../../support/job-cases.ts'

const root = mkdtempSync(join(tmpdir(), 'downpour-claims-'))
after(() => rmSync(root, { recursive: true }))

const inFile = (object: object): Manifest => ({ file: 'jobs.yaml', object: JSON.parse(JSON.stringify(object)) })
const claim = (name: string, path: string, more: object = {}) => ({
  apiVersion: 'v1',
  kind: 'PersistentVolumeClaim',
  metadata: { name, namespace: 'team', annotations: { 'local.downpour.dev/path': path, ...more } },
})
async function check(...objects: (RawJob | object)[]): Promise<void> {
  const [first, ...more] = await claimFolderFindings(objects.map(inFile))
  if (first) throw new DownpourError(first.code, [first, ...more].map(({ text }) => text).join('\n'))
}
const claims = (job: RawJob) =>
  job.spec as { data: { source: { claimName: string } }; evaluation?: { data: { source: { claimName: string } } } }

suite('the folder that a claim names', () => {
  test('must exist if a job reads data from it, and is not created', async () => {
    const job = pretrain()
    const missing = join(root, 'jtf')
    await assert.rejects(check(claim(claims(job).data.source.claimName, missing), job), {
      code: 'CLAIM_FOLDER_MISSING',
      message: `jobs.yaml: PersistentVolumeClaim/${claims(job).data.source.claimName}: annotation local.downpour.dev/path: ${JSON.stringify(missing)}: there is no such folder, and a job reads data there (${missing})`,
    })
    assert.equal(existsSync(missing), false)
  })

  test('must exist for evaluation data and for a transfer, too; every missing one is named, with its absolute path', async () => {
    const job = finetune()
    const evaluation = claims(job).evaluation?.data.source.claimName ?? ''
    const source = pretrain({ transfers: [transfer()] })
    const ofTransfer = (transfer() as { template: RawJob['spec'] }).template as ReturnType<typeof claims>
    await assert.rejects(
      check(claim(evaluation, 'no/where'), job, claim(ofTransfer.data.source.claimName, '/no/where'), source),
      (error: Error) => {
        assert.match(error.message, /"no\/where": there is no such folder.*the path is relative to \//)
        assert.match(error.message, /"\/no\/where": there is no such folder/)
        return true
      },
    )
  })

  test('must exist if a job starts from a checkpoint in it', async () => {
    const from = { volume: { claimName: 'weights', path: 'imagenet' } }
    for (const job of [finetune({ from }), pretrain({ from })])
      await assert.rejects(check(claim('weights', join(root, 'no-weights')), job), { code: 'CLAIM_FOLDER_MISSING' })
  })

  test('may be missing for checkpoints, for a claim without a job, and for data that is generated', async () => {
    const missing = join(root, 'later')
    await check(claim('checkpoints', missing), pretrain())
    await check(claim('spare', missing), pretrain())
    const job = pretrain()
    await check(
      claim(claims(job).data.source.claimName, missing, { 'local.downpour.dev/make': 'jft-mini seed=0' }),
      job,
    )
  })

  test('must not be a file, below a file, or empty', async () => {
    const file = join(root, 'file')
    writeFileSync(file, '')
    await assert.rejects(check(claim('checkpoints', file)), { message: /file": it is not a folder/ })
    await assert.rejects(check(claim('checkpoints', join(file, 'x'))), { message: /ENOTDIR/ })
    await assert.rejects(check(claim('checkpoints', '')), { message: /"": expected the path of a folder/ })
  })

  test('is accepted if it exists', async () => {
    const job = pretrain()
    const data = join(root, 'data')
    mkdirSync(data)
    await check(claim(claims(job).data.source.claimName, data), job)
  })

  test('may be missing for a claim of the same name in another namespace', async () => {
    const job = pretrain()
    const { metadata, ...rest } = claim(claims(job).data.source.claimName, join(root, 'other'))
    await check({ ...rest, metadata: { ...metadata, namespace: 'elsewhere' } }, job)
  })
})
