/** The checkpoint that a job starts from, as a parameter server finds it before the first worker has connected. */
import assert from 'node:assert/strict'
import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { basename, join } from 'node:path'
import { describe, test } from 'node:test'
import { type FileSystem, realFileSystem } from '../../../src/checkpoint/file-system.ts'
import type { Manifest } from '../../../src/checkpoint/manifest.ts'
import { readManifest } from '../../../src/checkpoint/read-manifest.ts'
import { exitCodeOf } from '../../../src/contract/exit-codes.ts'
import { FILES } from '../../../src/contract/files.ts'
import { EXIT, exitClass, type RuntimeConfig } from '../../../src/contract/runtime.ts'
import { JobSource, type JobSourceOptions } from '../../../src/ps/source.ts'
import { DownpourError } from '../../../src/support/errors.ts'
import { silentLog } from '../../../src/support/log.ts'
import { eventually } from '../../support/eventually.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import { recordedLog } from '../../support/recorded-log.ts'
import { temporaryFolder } from '../../support/temporary-folder.ts'
import { writeCheckpoint } from '../checkpoint/fixtures.ts'

const root = temporaryFolder()
const EPSILON = 1e-5
const SHARD = 'shard-00000-of-00002.safetensors'
const SLIM = { backbone: 'resnet50', variant: 'slim' } as const
const TORCHVISION = { ...SLIM, variant: 'torchvision' } as const

const newFolder = (kind: string) => mkdtempSync(join(root, `${kind}-`))

/** Two folders: the volume of the source and the folder of the job. */
const places = () => ({ sourceDir: newFolder('volume'), jobFolder: newFolder('job') })

function sourceWith(
  { sourceDir, jobFolder }: ReturnType<typeof places>,
  init: RuntimeConfig['init'],
  more: Partial<JobSourceOptions> & { model?: RuntimeConfig['model'] } = {},
): JobSource {
  const { model = { backbone: 'resnet50' }, ...options } = more
  return new JobSource({
    config: { init, model, batchNorm: { decay: 0.9, epsilon: EPSILON } },
    index: 0,
    sourceDir,
    jobFolder,
    fence: async () => {},
    clock: new FakeClock(),
    fs: realFileSystem,
    log: silentLog,
    ...options,
  })
}

const inFolder = (path: string, digest?: string): RuntimeConfig['init'] => ({
  type: 'folder',
  path,
  ...(digest !== undefined && { digest }),
})

/** The path that parameter server 0 of a new generation chooses. */
async function chosenIn(at: ReturnType<typeof places>, init: RuntimeConfig['init'], more = {}) {
  const source = sourceWith(at, init, more)
  await source.prepare()
  return source.chosen?.path
}

const digestOf = async (folder: string) => (await readManifest(folder)).digest

describe('a checkpoint that the operator has pinned', () => {
  async function pinnedOf(model: Manifest['model'], wanted: RuntimeConfig['model']) {
    const at = places()
    const folder = await writeCheckpoint(at.sourceDir, 10, model ? { model } : {})
    const init = { type: 'checkpoint', path: basename(folder), digest: await digestOf(folder) } as const
    return { folder, init, source: sourceWith(at, init, { model: wanted }) }
  }

  for (const [what, saved, wanted] of [
    ['of the same variant', TORCHVISION, TORCHVISION],
    ['of the default variant', SLIM, { backbone: 'resnet50' }],
    ['of an older version, which names no model', undefined, TORCHVISION],
  ] as const)
    test(`is accepted if it is ${what}`, async () => {
      const { folder, init, source } = await pinnedOf(saved, wanted)
      await source.prepare()
      assert.deepEqual(await source.open(), { folder, digest: init.digest })
      assert.equal(source.chosen, null)
    })

  for (const [what, saved, wanted, message] of [
    ['another variant', TORCHVISION, SLIM, /resnet50 \(variant torchvision\), .* resnet50 \(variant slim\)/],
    ['another backbone', SLIM, { backbone: 'resnet101' }, /resnet50 \(variant slim\), .* resnet101 \(variant slim\)/],
    ['an unknown network', { backbone: 'vit-b', variant: 'jax' }, SLIM, /vit-b \(variant jax\), .* resnet50/],
  ] as const)
    test(`is refused if it is of ${what}, and the message names both models`, async () => {
      const { source } = await pinnedOf(saved, wanted)
      await assert.rejects(source.prepare(), { code: 'CHECKPOINT_OTHER_MODEL', message })
    })

  test('is refused if the folder has another checkpoint now', async () => {
    const { folder, source } = await pinnedOf(SLIM, SLIM)
    appendFileSync(join(folder, FILES.manifest), '\n')
    await assert.rejects(source.prepare(), { code: 'CHECKPOINT_WRONG_DIGEST' })
  })
})

describe('of a folder on a volume, parameter server 0 chooses', () => {
  test('the newest checkpoint inside it, or the folder itself if that is a checkpoint, of any name', async () => {
    const at = places()
    for (const step of [30, 20]) await writeCheckpoint(join(at.sourceDir, 'team/job'), step)
    renameSync(await writeCheckpoint(at.sourceDir, 40), join(at.sourceDir, 'imagenet'))
    const chosen = async (path: string) => chosenIn({ ...at, jobFolder: newFolder('job') }, inFolder(path))
    assert.equal(await chosen('team/job'), 'team/job/step-000000030')
    assert.equal(await chosen('team/job/step-000000020'), 'team/job/step-000000020')
    assert.equal(await chosen('./imagenet'), './imagenet')
    cpSync(join(at.sourceDir, 'imagenet'), at.sourceDir, { recursive: true })
    assert.equal(await chosen('.'), '.')
  })

  test('an older one if the newest is incomplete or damaged, and logs why', async () => {
    const at = places()
    const [, second, third] = [10, 20, 30].map((step) => writeCheckpoint(at.sourceDir, step))
    appendFileSync(join((await second) as string, SHARD), 'x')
    rmSync(join((await third) as string, FILES.manifest))
    const log = recordedLog()
    assert.equal(await chosenIn(at, inFolder('.'), { log }), 'step-000000010')
    assert.deepEqual(log.lines.slice(0, -1), ['error checkpoint refused', 'error checkpoint refused'])
  })

  test('also one with another epsilon of batch norm, and warns of it', async () => {
    for (const [batchNormEpsilon, warnings] of [
      [EPSILON, 0],
      [1e-3, 1],
    ] as const) {
      const at = places()
      await writeCheckpoint(at.sourceDir, 10, { model: { ...SLIM, batchNormEpsilon } })
      const log = recordedLog()
      await chosenIn(at, inFolder('.'), { log })
      assert.equal(log.lines.filter((line) => line.startsWith('warn spec.batchNorm.epsilon differs')).length, warnings)
    }
  })

  test('the same again after a restart, although the folder has a newer one', async () => {
    const at = places()
    const first = await writeCheckpoint(at.sourceDir, 10)
    assert.equal(await chosenIn(at, inFolder('.')), 'step-000000010')
    await writeCheckpoint(at.sourceDir, 20)
    assert.equal(await chosenIn(at, inFolder('.')), 'step-000000010')
    const elsewhere = { ...at, jobFolder: newFolder('job') }
    assert.equal(await chosenIn(elsewhere, inFolder('.', await digestOf(first))), 'step-000000010')
    assert.equal(await chosenIn({ ...at, jobFolder: newFolder('job') }, inFolder('.')), 'step-000000020')
  })

  test('nothing, and says so, if the checkpoint of the first start is gone', async () => {
    const at = places()
    const first = await writeCheckpoint(at.sourceDir, 10)
    const digest = await digestOf(first)
    await chosenIn(at, inFolder('.'))
    await writeCheckpoint(at.sourceDir, 20)
    const gone = { code: 'CHECKPOINT_SOURCE_GONE', message: new RegExp(`sha256 ${digest}.* put it back`) }
    for (const remove of [first, at.sourceDir]) {
      rmSync(remove, { recursive: true })
      await assert.rejects(sourceWith(at, inFolder('.')).prepare(), gone)
    }
  })

  test('nothing that a newer generation would not know', async () => {
    const at = places()
    await writeCheckpoint(at.sourceDir, 10)
    const fence = () => Promise.reject(new DownpourError('OUTDATED_GENERATION', 'a newer one'))
    await assert.rejects(chosenIn(at, inFolder('.'), { fence }), { code: 'OUTDATED_GENERATION' })
    assert.ok(!existsSync(join(at.jobFolder, FILES.source)))
  })

  test('again what a restored job started from, for its status', async () => {
    const at = places()
    await writeCheckpoint(at.sourceDir, 10)
    await chosenIn(at, inFolder('.'))
    const source = sourceWith(at, inFolder('.'))
    await source.recall()
    assert.equal(source.chosen?.step, 10)
    writeFileSync(join(at.jobFolder, FILES.source), '{')
    const broken = sourceWith(at, inFolder('.'))
    await broken.recall()
    assert.equal(broken.chosen, null)
  })

  const refused: readonly [string, (at: ReturnType<typeof places>) => unknown, string, string, RegExp][] = [
    ['a folder that does not exist', () => {}, 'no/such', 'CHECKPOINT_NOT_FOUND', /no\/such does not exist/],
    ['a file', (at) => writeFileSync(join(at.sourceDir, 'f'), ''), 'f', 'CHECKPOINT_NOT_FOUND', /f is not a folder/],
    [
      'a path through a file',
      (at) => writeFileSync(join(at.sourceDir, 'f'), ''),
      'f/g',
      'CHECKPOINT_NOT_FOUND',
      /exist/,
    ],
    ['an empty folder', () => {}, '.', 'CHECKPOINT_NOT_FOUND', /it contains nothing: name the folder/],
    [
      'a folder of jobs, and the message lists them',
      (at) => Array.from('abcdefg', (name) => mkdirSync(join(at.sourceDir, name))),
      '.',
      'CHECKPOINT_NOT_FOUND',
      /it contains a, b, c, d, e and 2 more/,
    ],
    [
      'a damaged checkpoint that the path names itself, although there is an older one',
      async (at) => {
        await writeCheckpoint(at.sourceDir, 10)
        appendFileSync(join(await writeCheckpoint(at.sourceDir, 20), SHARD), 'x')
      },
      'step-000000020',
      'CHECKPOINT_TORN',
      /shard-00000.* bytes, the manifest says/,
    ],
    [
      'a folder of damaged checkpoints',
      async (at) => {
        for (const step of [10, 20]) {
          const path = join(await writeCheckpoint(at.sourceDir, step), SHARD)
          writeFileSync(path, readFileSync(path).reverse())
        }
      },
      '.',
      'CHECKPOINT_NONE_WHOLE',
      /intact: step-000000020: .*sha256.*, and 1 more/,
    ],
    [
      'a checkpoint of another variant',
      (at) => writeCheckpoint(at.sourceDir, 10, { model: TORCHVISION }),
      '.',
      'CHECKPOINT_OTHER_MODEL',
      /variant torchvision.*variant slim/,
    ],
    [
      'a record of the choice that is not one',
      (at) => writeFileSync(join(at.jobFolder, FILES.source), '{"step":-1}'),
      '.',
      'CHECKPOINT_BAD_CHOICE',
      /source\.json .*remove it/,
    ],
  ]
  for (const [what, make, path, code, message] of refused)
    test(`not ${what}: the job fails for good, and the message names the field`, async () => {
      const at = places()
      await make(at)
      const error = await sourceWith(at, inFolder(path))
        .prepare()
        .then(
          () => assert.fail('accepted'),
          (error) => error,
        )
      assert.equal(error.code, code)
      assert.match(error.message, message)
      assert.match(error.message, /^spec\.from\.volume: /)
      assert.deepEqual([exitCodeOf(code), exitClass(exitCodeOf(code))], [EXIT.badCheckpoint, 'permanent'])
    })

  for (const call of ['stat', 'readdir', 'readFile'] as const)
    test(`later if the disk fails now (${call}): the process ends and is started again`, async () => {
      const at = places()
      await writeCheckpoint(at.sourceDir, 10)
      const broken = (path: string, ...rest: unknown[]) =>
        String(path).startsWith(at.sourceDir)
          ? Promise.reject(Object.assign(new Error('broken'), { code: 'EIO' }))
          : (realFileSystem[call] as (...all: unknown[]) => unknown)(path, ...rest)
      const fs = { ...realFileSystem, [call]: broken } as unknown as FileSystem
      await assert.rejects(sourceWith(at, inFolder('.'), { fs }).prepare(), { code: 'CHECKPOINT_UNREADABLE' })
      assert.equal(exitClass(exitCodeOf('CHECKPOINT_UNREADABLE')), 'retryable')
    })
})

describe('another parameter server', () => {
  test('waits for the choice of parameter server 0 and takes the same checkpoint', async () => {
    const at = places()
    const clock = new FakeClock()
    const folder = await writeCheckpoint(at.sourceDir, 10)
    const other = sourceWith(at, inFolder('.'), { index: 1, clock })
    await other.prepare()
    const opened = other.open()
    await eventually(() => assert.equal(clock.sleeping, 1))
    await sourceWith(at, inFolder('.')).prepare()
    await writeCheckpoint(at.sourceDir, 20)
    await clock.advance(1000)
    assert.deepEqual(await opened, { folder, digest: await digestOf(folder) })
  })

  test('stops waiting when it is stopped', async () => {
    const clock = new FakeClock()
    const other = sourceWith(places(), inFolder('.'), { index: 1, clock })
    const opened = assert.rejects(other.open(), { code: 'STOPPED' })
    await eventually(() => assert.equal(clock.sleeping, 1))
    other.close()
    await clock.advance(1000)
    await opened
  })
})
