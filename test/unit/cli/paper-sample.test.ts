/** deploy/samples/paper.yaml: every row of the paper's tables, with the costs that its first lines state. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { suite, test } from 'node:test'
import { type Job, wantedSource } from '../../../src/api/job.ts'
import { parseJob } from '../../../src/api/parse.ts'
import { readManifests } from '../../../src/cli/manifests.ts'
import { renderFiles } from '../../../src/cli/verbs/render.ts'
import { capture } from './io.ts'

const FILE = 'deploy/samples/paper.yaml'
const GPU = 'nvidia.com/gpu'
const PRESETS = ['imagenet-finetune', 'coco-detection', 'voc07-detection', 'voc12-segmentation', 'coco-pose']

const parsed = (await readManifests([FILE])).map(({ object }) => parseJob(object))
const ofKind = (kind: Job['kind']) => parsed.filter((job) => job.kind === kind)
const sourceOf = (job: Job | undefined) => {
  const from = job && wantedSource(job)
  return from?.type === 'job' ? from.pretrainJob : undefined
}

/** The most GPUs that the pods of a job have at once. */
function gpusOf({ spec }: Job): number {
  const { parameterServer, workers, evaluator } = spec
  const groups = [
    [parameterServer.replicas, parameterServer.template],
    [workers.replicas, workers.template],
    [1, evaluator.template],
  ] as const
  return groups.reduce((sum, [pods, template]) => sum + pods * Number(template?.resources?.limits?.[GPU] ?? 0), 0)
}

suite('the sample of the whole paper', () => {
  test('pre-trains on ImageNet, on JFT-300M, and on JFT-300M from the ImageNet checkpoint', () => {
    assert.deepEqual(
      ofKind('PretrainJob').map((job) => [job.metadata.name, job.spec.preset, sourceOf(job)]),
      [
        ['imagenet', 'imagenet-baseline', undefined],
        ['jft', 'jft-resnet101', undefined],
        ['imagenet-jft', 'jft-resnet101', 'imagenet'],
      ],
    )
  })

  test('transfers each of them to the five tasks', () => {
    for (const { metadata } of ofKind('PretrainJob')) {
      const transfers = ofKind('FinetuneJob').filter((job) => sourceOf(job) === metadata.name)
      assert.deepEqual(
        transfers.map(({ spec }) => spec.preset),
        PRESETS,
      )
    }
    assert.equal(parsed.length, 3 + 3 * PRESETS.length)
  })

  test('scores held-out pictures, and sets no number of its preset', () => {
    for (const { spec, metadata } of parsed) {
      assert.notDeepEqual(spec.evaluation?.data, spec.data, metadata.name)
      assert.deepEqual(spec.model, { backbone: 'resnet101' })
    }
  })

  test('needs as many GPUs as its first lines say', () => {
    const [head = ''] = readFileSync(FILE, 'utf8').split('apiVersion')
    const gpus = new Map(parsed.map((job) => [job.metadata.name, gpusOf(job)]))
    const sum = (...names: string[]) => names.reduce((all, name) => all + (gpus.get(name) ?? Number.NaN), 0)
    const [imagenet, coco, voc07, voc12, pose] = ['imagenet', 'coco', 'voc07', 'voc12', 'pose'].map((task) =>
      sum(`jft-to-${task}`),
    )
    const transfers = ofKind('FinetuneJob').filter((job) => sourceOf(job) === 'jft')
    const all = sum(...transfers.map(({ metadata }) => metadata.name))
    assert.deepEqual([voc07, pose], [coco, voc12])
    const costs = `${sum('imagenet', 'jft')} GPUs for the first two PretrainJobs, ${sum('imagenet-jft')} for the third, and ${all} for the transfers of each of the three (${imagenet} for ImageNet, ${coco} for each detection, ${voc12} each for segmentation and pose)`
    assert.ok(head.replaceAll('\n# ', ' ').includes(costs), costs)
  })

  test('is rendered with all of its pods', async () => {
    const { io, written } = capture()
    assert.equal(await renderFiles([FILE], io, { summary: true }), 0, written.err)
    const shown = [...written.out.matchAll(/^(\w+)\/(\S+): 1 service, (\d+) pods$/gm)]
    const pods = ({ spec }: Job) => spec.workers.replicas + spec.parameterServer.replicas + 1
    assert.deepEqual(
      shown.map(([, kind, name, count]) => [`${kind}/${name}`, Number(count)]),
      parsed.map((job) => [`${job.kind}/${job.metadata.name}`, pods(job)]),
    )
    assert.match(
      written.out,
      /^PretrainJob\/imagenet: [^/]*classes 1000[\s\S]*?worker +50 pods, requests memory 1.367Ti, nvidia.com\/gpu 50, cpu 550\n/,
    )
  })
})
