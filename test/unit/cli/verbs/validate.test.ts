import assert from 'node:assert/strict'
import { globSync } from 'node:fs'
import { suite, test } from 'node:test'
import { DETECTION_RECIPES } from '../../../../src/api/presets/detection.ts'
import { validateFiles } from '../../../../src/cli/verbs/validate.ts'
import { finetune, pretrain, transfer } from '../../../support/job-cases.ts'
import { capture, fileWith } from '../io.ts'

const CLAIM = { apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: { name: 'jft' } }

suite('downpour validate', () => {
  test('prints that jobs are valid, skips other objects, and counts both', async (t) => {
    const file = await fileWith(t, [CLAIM, pretrain(), finetune()])
    const { io, written } = capture()
    assert.equal(await validateFiles([file], io), 0)
    assert.equal(written.err, '')
    assert.deepEqual(written.out.trimEnd().split('\n'), [
      `${file}: PersistentVolumeClaim/jft: not a job, skipped`,
      `${file}: PretrainJob/jft: valid`,
      `${file}: FinetuneJob/birds: valid`,
      '2 jobs checked, 0 problems; 1 other object skipped',
    ])
  })

  test('prints a line for every problem, with file, job, field, value and expected value', async (t) => {
    const one = await fileWith(t, [pretrain({ batch_size: 3, workers: { replicas: 0 } })], 'one.yaml')
    const two = await fileWith(t, [finetune({ from: undefined })], 'two.yaml')
    const { io, written } = capture()
    assert.equal(await validateFiles([one, two], io), 1)
    assert.deepEqual(
      written.err.trimEnd().split('\n').sort(),
      [
        `${one}: PretrainJob/jft: spec.batch_size: 3: unknown field; did you mean batchSize?`,
        `${one}: PretrainJob/jft: spec.workers.replicas: 0: expected a number of at least 1`,
        `${two}: FinetuneJob/birds: spec.from: is required unless init is random`,
      ].sort(),
    )
    assert.match(written.out, /2 jobs checked, 3 problems\n$/)
  })

  test('warns of evaluation on the training data, and accepts the job', async (t) => {
    const data = { source: { claimName: 'c', path: 'a/b' }, format: 'tfrecord', labels: 'labels.json' }
    const evaluated = (over: object) => pretrain({ data, evaluation: { data: { ...data, ...over } } })
    const same = await fileWith(t, [evaluated({ source: { claimName: 'c', path: './a/./b' } })], 'same.yaml')
    const others = [
      { files: 'val-*' },
      { source: { claimName: 'd', path: 'a/b' } },
      { source: { claimName: 'c', path: 'a' } },
    ]
    const { io, written } = capture()
    assert.equal(await validateFiles([same], io), 0)
    assert.match(
      written.err,
      /^\S+: PretrainJob\/jft: warning: spec\.evaluation\.data\.source: .*the same files as spec\.data/,
    )
    assert.match(written.out, /valid\n1 job checked, 0 problems\n$/)
    for (const [i, over] of others.entries()) {
      const other = capture()
      assert.equal(await validateFiles([await fileWith(t, [evaluated(over)], `other-${i}.yaml`)], other.io), 0)
      assert.equal(other.written.err, '')
    }
  })

  test('does not warn of two annotation files of one folder', async (t) => {
    const data = { source: { claimName: 'coco' }, format: 'coco', annotations: 'annotations/train.json' }
    const evaluated = (annotations: string) =>
      finetune({ preset: 'coco-pose-mini', data, evaluation: { data: { ...data, annotations } } })
    const warningOf = async (annotations: string) => {
      const { io, written } = capture()
      assert.equal(await validateFiles([await fileWith(t, [evaluated(annotations)])], io), 0)
      return written.err
    }
    assert.equal(await warningOf('annotations/val.json'), '')
    assert.match(await warningOf('annotations/train.json'), /the same files as spec\.data/)
  })

  test('warns of a transfer that will refuse the checkpoints of its job, because it has another model', async (t) => {
    const model = { backbone: 'resnet50', variant: 'torchvision' }
    const jobWith = (template: Record<string, unknown>) => pretrain({ model, transfers: [transfer({}, template)] })
    for (const [template, warning] of [
      [
        {},
        /warning: spec\.transfers\[0\]\.template\.model: "resnet101 \(variant slim\)": the FinetuneJob will refuse .* resnet50 \(variant torchvision\)\n$/,
      ],
      [{ model: { backbone: 'resnet50' } }, /"resnet50 \(variant slim\)": the FinetuneJob will refuse/],
      [{ model }, /^$/],
      [{ init: 'random' }, /^$/],
    ] as const) {
      const { io, written } = capture()
      assert.equal(await validateFiles([await fileWith(t, [jobWith(template)])], io), 0)
      assert.match(written.err, warning)
    }
  })

  test('warns of a task that loses options of the preset, but not of one that has all or is of another type', async (t) => {
    const data = { source: { claimName: 'coco' }, format: 'coco' }
    const evaluation = { data: { ...data, annotations: 'val.json' } }
    const all = { ...DETECTION_RECIPES['coco-detection-mini'].task, classes: 3 }
    const loses =
      /spec\.task: .*replaces the task of preset coco-detection-mini as a whole: anchorBase is 256 instead of 32, /
    for (const [task, warning] of [
      [{ type: 'coco-detection', classes: 3 }, loses],
      [all, /^$/],
      [{ ...all, detectionIou: undefined }, /as a whole: detectionIou is 0\.6 instead of 0\.4\. Write/],
      [{ type: 'voc-detection', classes: 3 }, /^$/],
    ] as const) {
      const spec = { preset: 'coco-detection-mini', task, data, evaluation }
      const { io, written } = capture()
      assert.equal(await validateFiles([await fileWith(t, [finetune(spec)])], io), 0, written.err)
      assert.match(written.err, warning)
    }
  })

  test('warns of GPUs that no process uses', async (t) => {
    const ofGpus = (gpus: number, more: object = {}) =>
      pretrain({ workers: { template: { resources: { limits: { 'nvidia.com/gpu': gpus } } }, ...more } })
    const idle = /warning: spec\.workers\.perPod: .*requests 4 GPUs, of which one process uses one: set perPod: 4/
    for (const [job, warning] of [
      [ofGpus(4), idle],
      [ofGpus(1), /^$/],
      [ofGpus(4, { perPod: 4 }), /^$/],
    ] as const) {
      const { io, written } = capture()
      assert.equal(await validateFiles([await fileWith(t, [job])], io), 0, written.err)
      assert.match(written.err, warning)
    }
  })

  test('refuses an invalid Service name, a number as value of a variable, and an unknown field', async (t) => {
    const env = [{ name: 'OMP_NUM_THREADS', value: 4 }]
    const file = await fileWith(t, [
      pretrain({}, '50-workers'),
      pretrain({ workers: { template: { env } } }),
      { ...pretrain({}, 'x'), spex: {} },
    ])
    const { io, written } = capture()
    assert.equal(await validateFiles([file], io), 1)
    const lines = written.err
      .trimEnd()
      .split('\n')
      .map((line) => line.slice(file.length + 2))
    assert.deepEqual(lines, [
      `PretrainJob/50-workers: metadata.name: "50-workers": expected lower-case letters, digits and '-', beginning with a letter and ending with a letter or digit, at most 40 characters`,
      'PretrainJob/jft: spec.workers.template.env[0].value: 4: expected a text',
      'PretrainJob/x: spex: {}: unknown field; did you mean spec?',
    ])
  })

  test('continues after a file that is not YAML, missing, or empty, and names the line of an error', async (t) => {
    const broken = await fileWith(t, 'kind: [PretrainJob\nmetadata: {', 'broken.yaml')
    const empty = await fileWith(t, '# nothing\n', 'empty.yaml')
    const right = await fileWith(t, [pretrain()], 'right.yaml')
    const { io, written } = capture()
    assert.equal(await validateFiles([broken, '/nowhere/x.yaml', empty, right], io), 1)
    assert.match(written.err, /broken\.yaml: not YAML: document 1, line \d+, column \d+: /)
    assert.match(written.err, /\/nowhere\/x\.yaml: cannot be read: ENOENT/)
    assert.match(written.err, /empty\.yaml: no object in this file/)
    assert.match(written.out, /right\.yaml: PretrainJob\/jft: valid\n1 job checked, 3 problems\n$/)
  })

  test('refuses a mistyped kind of our API group instead of skipping it', async (t) => {
    const file = await fileWith(t, [{ ...pretrain(), kind: 'PreTrainJob' }])
    const { io, written } = capture()
    assert.equal(await validateFiles([file], io), 1)
    assert.match(written.err, /kind: "PreTrainJob": PretrainJob or FinetuneJob/)
  })

  test('refuses two jobs of one kind, namespace and name', async (t) => {
    const elsewhere = { ...pretrain(), metadata: { name: 'jft', namespace: 'other' } }
    const fine = await fileWith(t, [pretrain(), finetune({}, 'jft'), elsewhere])
    assert.equal(await validateFiles([fine], capture().io), 0)
    const [one, another] = [await fileWith(t, [pretrain()]), await fileWith(t, [pretrain()])]
    assert.equal(await validateFiles([one, one], capture().io), 0, 'one file named twice is one file')
    const { io, written } = capture()
    assert.equal(await validateFiles([one, another], io), 1)
    assert.match(written.err, /metadata\.name: another job has this kind and name/)
  })

  test('accepts the samples', async () => {
    const samples = globSync('deploy/samples/*.yaml')
    assert.ok(samples.length > 0)
    const { io, written } = capture()
    assert.equal(await validateFiles(samples, io), 0, written.err)
  })

  test('accepts null for an absent optional field, and generateName', async (t) => {
    const { metadata: _, ...job } = pretrain({ evaluator: null, runtime: { image: null } })
    const file = await fileWith(t, [{ ...job, metadata: { generateName: 'jft-' } }])
    const { io, written } = capture()
    assert.equal(await validateFiles([file], io), 0, written.err)
    const wrong = await fileWith(t, [pretrain({ data: null })])
    assert.equal(await validateFiles([wrong], capture().io), 1)
  })

  test('treats names of inherited JavaScript properties as unknown, and prints values shortened and escaped', async (t) => {
    const spec = '{ preset: toString, toString: 1, weightDecay: .nan, __proto__: { maxSteps: 7 } }'
    const name = JSON.stringify(`a\u001b[31m${'x'.repeat(2 ** 20)}`)
    const head = 'apiVersion: downpour.dev/v1alpha1\nkind: PretrainJob\n'
    const file = await fileWith(
      t,
      `${head}metadata: { name: j }\nspec: ${spec}\n---\n${head}metadata: { name: j2 }\nspec: { preset: ${name} }`,
    )
    const { io, written } = capture()
    assert.equal(await validateFiles([file], io), 1)
    assert.match(written.err, /spec\.weightDecay: NaN: /)
    assert.match(written.err, /spec\.toString: 1: unknown field\n/)
    assert.match(written.err, /spec\.maxSteps: required/)
    assert.ok(written.err.length < 10_000 && !written.err.includes('\u001b'))
  })

  test('--json has every problem with file, document, line, object, path and value', async (t) => {
    const file = await fileWith(t, [CLAIM, pretrain({ workers: { replicas: 0 } })])
    const { io, written } = capture()
    assert.equal(await validateFiles([file], io, { json: true }), 1)
    const { problems, ...counts } = JSON.parse(written.out)
    assert.deepEqual(counts, { valid: false, jobs: 1, otherObjects: 1, warnings: [] })
    const { line, expected, message, ...problem } = problems[0]
    assert.deepEqual([typeof line, message], ['number', `expected ${expected}`])
    const job = { code: 'INVALID_JOB', file, document: 2, kind: 'PretrainJob', name: 'jft' }
    assert.deepEqual(problem, { ...job, path: 'spec.workers.replicas', value: '0' })
  })
})
