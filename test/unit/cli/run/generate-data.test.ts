import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import type { Manifest } from '../../../../src/cli/manifests.ts'
import { readDemonstration } from '../../../../src/cli/run/demonstration.ts'
import { generateRequestedData } from '../../../../src/cli/run/generate-data.ts'
import { ANNOTATIONS } from '../../../../src/contract/names.ts'

const { localMake, localPath } = ANNOTATIONS

function claim(annotations?: Record<string, string>): Manifest {
  const metadata = { name: 'data', ...(annotations && { annotations }) }
  return { file: 'jobs.yaml', object: { apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata } }
}

/** @returns the printed lines */
async function make(manifest: Manifest, signal = new AbortController().signal): Promise<string[]> {
  const printed: string[] = []
  await generateRequestedData([manifest], { print: (line) => printed.push(line) }, signal)
  return printed
}

suite('data that a claim requests', () => {
  test('is not generated for a claim without the annotation', async () => {
    assert.deepEqual(await make(claim()), [])
    assert.deepEqual(await make(claim({ [localPath]: '/nowhere' })), [])
  })

  test('is refused if the annotation is invalid, with the expected value', async () => {
    for (const [request, expected] of [
      ['imagenet', /imagenet: expected "jft-mini", "coco-mini"/],
      ['', /expected "jft-mini"/],
      ['jft-mini seed=x', /"seed=x": expected NAME=NUMBER, such as seed=0/],
      ['jft-mini seed=1 seed=2', /seed stands there twice/],
      ['jft-mini  seed=1', /"": expected NAME=NUMBER/],
      ['jft-mini train-images=4', /train-images: jft-mini has no such size; it has images, evaluation-images/],
      ['coco-mini val-images=0', /val-images: expected 1 or more/],
    ] as const) {
      const refused = { code: 'ANNOTATION_INVALID', message: expected }
      await assert.rejects(make(claim({ [localMake]: request, [localPath]: '/d' })), refused)
    }
    await assert.rejects(make(claim({ [localMake]: 'jft-mini' })), {
      code: 'ANNOTATION_INVALID',
      message: /^jobs\.yaml: data: annotation .*"jft-mini": expected the folder to make it in, in local\.downpour\.dev/,
    })
  })

  test('is not changed if it exists', async (t) => {
    const folder = await mkdtemp(join(tmpdir(), 'downpour-order-'))
    t.after(() => rm(folder, { recursive: true }))
    await mkdir(join(folder, 'made'))
    await writeFile(join(folder, 'made', 'dataset.json'), '{}')
    assert.deepEqual(await make(claim({ [localMake]: 'jft-mini seed=3', [localPath]: join(folder, 'made') })), [])
  })

  test('has the kind, seed and sizes of the annotation', async (t) => {
    const folder = await mkdtemp(join(tmpdir(), 'downpour-order-'))
    t.after(() => rm(folder, { recursive: true }))
    const request = { [localMake]: 'coco-mini seed=3 train-images=2 val-images=1', [localPath]: join(folder, 'made') }
    assert.match((await make(claim(request)))[0] ?? '', /^generating the data set coco-mini \(seed 3\) in /)
    const facts = JSON.parse(await readFile(join(folder, 'made', 'dataset.json'), 'utf8'))
    const { name, seed, trainImages, valImages } = facts
    assert.deepEqual(
      { name, seed, trainImages, valImages },
      { name: 'coco-mini', seed: 3, trainImages: 2, valImages: 1 },
    )
  })

  test('is deleted if its generation is interrupted', async (t) => {
    const folder = await mkdtemp(join(tmpdir(), 'downpour-order-'))
    t.after(() => rm(folder, { recursive: true }))
    const made = join(folder, 'made')
    const request = claim({ [localMake]: 'jft-mini seed=3', [localPath]: made })
    await assert.rejects(make(request, AbortSignal.abort()), { name: 'AbortError' })
    assert.equal(existsSync(made), false)
  })
})

suite('the demonstration', () => {
  const seedsOf = (manifests: readonly Manifest[]) =>
    manifests.map(({ object }) => (object as { spec?: { seed?: number } }).spec?.seed)
  const annotationsOf = (manifests: readonly Manifest[]) => manifests[0]?.object.metadata.annotations

  test('keeps its data in the state folder', async () => {
    const { [localMake]: order, [localPath]: path } = annotationsOf(await readDemonstration({ stateDir: 'here' })) ?? {}
    assert.deepEqual([order, path], ['jft-mini seed=0', join('here', 'data', 'jft-mini-0')])
  })

  test('has each task of the paper in a pair, one from the checkpoint and one from random weights', async () => {
    const namesOf = async (quick: boolean) =>
      (await readDemonstration({ stateDir: 'here', quick })).flatMap(({ object: { kind, metadata } }) =>
        kind === 'FinetuneJob' ? [metadata.name] : [],
      )
    const tasks = ['classification', 'voc-segmentation', 'coco-pose', 'voc-detection', 'coco-detection']
    const paired = (names: readonly string[]) => names.flatMap((name) => [name, `${name}-random`])
    assert.deepEqual(await namesOf(false), paired(tasks))
    assert.deepEqual(await namesOf(true), paired(tasks.slice(0, 2)))
  })

  test('pre-trains for 1500 steps, and for 1400 in its quick form', async () => {
    const stepsOf = async (quick: boolean) =>
      (await readDemonstration({ stateDir: 'here', quick })).flatMap(({ object }) =>
        object.kind === 'PretrainJob' ? [(object as { spec?: { maxSteps?: number } }).spec?.maxSteps] : [],
      )
    assert.deepEqual(await stepsOf(false), [1500])
    assert.deepEqual(await stepsOf(true), [1400])
  })

  test('asks for data of the sizes in its samples, in a folder for each seed', async () => {
    const claims = (await readDemonstration({ stateDir: 'here', seed: 4 })).flatMap(({ object: { metadata } }) =>
      metadata.annotations ? [metadata.annotations] : [],
    )
    assert.deepEqual(
      claims.map(({ [localMake]: made, [localPath]: path }) => [made, path]),
      ['jft-mini', 'voc-mini', 'coco-mini', 'pose-mini'].map((kind) => [
        `${kind} seed=4`,
        join('here', 'data', `${kind}-4`),
      ]),
    )
  })

  test('uses a given seed for data and weights', async () => {
    const manifests = await readDemonstration({ stateDir: 'here', seed: 4 })
    assert.equal(annotationsOf(manifests)?.[localMake], 'jft-mini seed=4')
    const jobs = manifests.filter(({ object }) => object.kind !== 'PersistentVolumeClaim')
    assert.ok(jobs.length > 2)
    assert.deepEqual(new Set(seedsOf(jobs)), new Set([4]))
  })
})
