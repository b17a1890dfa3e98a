import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { suite, type TestContext, test } from 'node:test'
import { planFiles } from '../../../../src/cli/verbs/plan.ts'
import { finetune, pretrain } from '../../../support/job-cases.ts'
import { capture, fileWith } from '../io.ts'

/** Every cost, so that the output depends on no benchmark. */
const MACHINE = {
  compute: { secondsPerStep: 0.5, variation: 0 },
  input: { secondsPerImage: 5e-4, secondsPerMegapixel: 1e-2 },
  network: { bytesPerSecond: 1.25e9, latencySeconds: 1e-4 },
  server: {
    secondsPerRequest: 1e-4,
    receiveSecondsPerGigabyte: 0.5,
    sendSecondsPerGigabyte: 0.5,
    applySecondsPerGigabyte: { rmsprop: 0.2, momentum: 0.2, adam: 0.2 },
    copySecondsPerGigabyte: 0.1,
    processBytes: 100 * 2 ** 20,
  },
  worker: { sendSecondsPerGigabyte: 0.2, receiveSecondsPerGigabyte: 0.1, processBytes: 200 * 2 ** 20 },
  disk: { bytesPerSecond: 5e8, hashSecondsPerGigabyte: 0.5 },
}
const MACHINE_YAML = JSON.stringify(MACHINE)
const ALONE = { workers: { replicas: 1 }, parameterServer: { replicas: 1 } }

async function plan(t: TestContext, objects: readonly object[], machine = MACHINE_YAML, json = false) {
  const { io, written } = capture()
  const file = await fileWith(t, machine, 'machine.yaml')
  const code = await planFiles([await fileWith(t, objects)], { machine: file, json }, io)
  return { code, out: written.out.replaceAll(file, 'machine.yaml') }
}

/** @returns the JSON of the only job */
async function forecastOf(t: TestContext, job: object, machine: object = MACHINE) {
  const { out } = await plan(t, [job], JSON.stringify(machine), true)
  const { jobs } = JSON.parse(out)
  assert.equal(jobs.length, 1)
  return jobs[0]
}

const GOLDEN = readFileSync(new URL('plan-output.txt', import.meta.url), 'utf8')

suite('downpour plan', () => {
  test('prints figures, resources, what limits and what one more gives, and every cost with its source', async (t) => {
    const { code, out } = await plan(t, [
      pretrain({ ...ALONE, checkpoint: { everySteps: 1000, storage: { volume: { claimName: 'c' } } } }),
    ])
    assert.equal(code, 0)
    assert.equal(out, GOLDEN)
  })

  test('forecasts every job of a file, presets filled in, and passes over other objects', async (t) => {
    const claim = { apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: { name: 'jft' } }
    const { out } = await plan(t, [claim, pretrain(ALONE), finetune(ALONE)], MACHINE_YAML, true)
    const { jobs } = JSON.parse(out)
    assert.deepEqual(
      jobs.map(({ kind, name }: { kind: string; name: string }) => `${kind}/${name}`),
      ['PretrainJob/jft', 'FinetuneJob/birds'],
    )
  })

  test('knows the variables of the model: ResNet-101 with 18,291 labels has 79,978,419 that train', async (t) => {
    const { model, memory } = await forecastOf(t, pretrain(ALONE))
    assert.equal(model.trainableValues, 79_978_419)
    assert.equal(model.weightBytes, 4 * (79_978_419 + 105_344))
    // With rmsprop and momentum.
    assert.equal(model.checkpointBytes, model.weightBytes + 2 * 4 * 79_978_419)
    assert.equal(memory.parameterServer.state, model.checkpointBytes)
  })

  test('one worker takes compute, then the server, the network and its own thread for the bytes', async (t) => {
    const { stepSeconds, stepsPerSecond, model } = await forecastOf(t, pretrain(ALONE))
    const [pull, push, trained] = [model.weightBytes, model.weightBytes, 4 * model.trainableValues].map(
      (bytes) => bytes / 1e9,
    )
    const [pullSeconds, pushSeconds, appliedSeconds] = [pull, push, trained] as [number, number, number]
    // 1.25 GB/s take 0.8 s a gigabyte, more than any thread while it receives.
    const expected = 0.5 + pullSeconds * (0.5 + 0.8) + pushSeconds * (0.2 + 0.8) + appliedSeconds * 0.2 + 2e-4 + 4e-4
    assert.ok(Math.abs(1 / stepsPerSecond / expected - 1) < 0.01, `${1 / stepsPerSecond}, expected ${expected}`)
    assert.equal(Number(stepSeconds.compute.toFixed(6)), 0.5)
  })

  test('says what limits: the servers for many workers, the compute for few', async (t) => {
    assert.equal((await forecastOf(t, pretrain(ALONE))).limitedBy, 'compute')
    const many = await forecastOf(t, pretrain({ workers: { replicas: 20 }, parameterServer: { replicas: 1 } }))
    assert.equal(many.limitedBy, 'serverThread')
    assert.ok(many.oneMore.parameterServer > 0.3, `${many.oneMore.parameterServer}`)
    assert.ok(many.oneMore.worker < 0.05, `${many.oneMore.worker}`)
  })

  test('slows a parameter server down by its CPU limit', async (t) => {
    const limited = (cpu: string) =>
      pretrain({ ...ALONE, parameterServer: { replicas: 1, template: { resources: { limits: { cpu } } } } })
    const [whole, half, two] = await Promise.all(['1', '500m', '2'].map((cpu) => forecastOf(t, limited(cpu))))
    assert.ok(half.stepSeconds.pull > 1.2 * whole.stepSeconds.pull)
    assert.equal(two.stepSeconds.pull, whole.stepSeconds.pull)
  })

  test('counts images of all gradients that a push sums up', async (t) => {
    const { imagesPerSecond, stepsPerSecond } = await forecastOf(t, pretrain({ ...ALONE, async: { pushEvery: 4 } }))
    assert.equal(imagesPerSecond, 4 * 32 * stepsPerSecond)
  })

  test('counts images of all processes of a worker', async (t) => {
    const job = pretrain({ ...ALONE, workers: { replicas: 1, perPod: 4 } })
    const { imagesPerSecond, stepsPerSecond, memory } = await forecastOf(t, job)
    assert.equal(imagesPerSecond, 4 * 32 * stepsPerSecond)
    assert.ok(memory.worker['shared memory'] > 0)
  })

  test('estimates the compute from a measured step, and says so where the workers have GPUs', async (t) => {
    const { compute: _, ...rest } = MACHINE
    const template = { resources: { limits: { 'nvidia.com/gpu': 1 } } }
    const { compute, notes } = await forecastOf(t, pretrain({ ...ALONE, workers: { replicas: 1, template } }), rest)
    assert.match(compute.from, /^estimated from .* bench\/results\/step\.json/)
    assert.match(notes[0], /GPUs/)
    assert.deepEqual((await forecastOf(t, pretrain({ ...ALONE, workers: { replicas: 1, template } }))).notes, [])
  })

  test('gives seconds of a step as images a second, too', async (t) => {
    const machine = { ...MACHINE, compute: { imagesPerSecond: 64 } }
    assert.equal((await forecastOf(t, pretrain(ALONE), machine)).compute.mean, 0.5)
  })

  test('prints the same again', async (t) => {
    const job = pretrain({ workers: { replicas: 5 }, parameterServer: { replicas: 2 } })
    assert.equal((await plan(t, [job])).out, (await plan(t, [job])).out)
  })
})

suite('downpour plan refuses', () => {
  for (const [what, machine, message] of [
    [
      'an unknown field, with the one that is meant',
      'server: { secondPerRequest: 1 }',
      /server\.secondPerRequest: 1: unknown field; did you mean secondsPerRequest\?/,
    ],
    ['an unknown part', 'serve: {}', /machine\.yaml: serve: \{\}: unknown field; did you mean server\?/],
    [
      'a negative cost',
      'network: { latencySeconds: -3 }',
      /network\.latencySeconds: -3: expected a number of at least 0/,
    ],
    ['a bandwidth of 0', 'network: { bytesPerSecond: 0 }', /network\.bytesPerSecond: 0: expected a number more than 0/],
    ['a text', 'disk: { bytesPerSecond: fast }', /disk\.bytesPerSecond: "fast": expected a number/],
    [
      'two measures of a step',
      'compute: { secondsPerStep: 1, imagesPerSecond: 2 }',
      /compute\.imagesPerSecond: 2: secondsPerStep or imagesPerSecond, not both/,
    ],
    ['a list', '[1]', /machine: \[1\]: expected an object/],
    ['two documents', 'disk: {}\n---\ndisk: {}', /2 documents: expected one/],
  ] as const)
    test(`a description with ${what}`, async (t) => {
      await assert.rejects(plan(t, [pretrain(ALONE)], machine), { code: 'MACHINE_INVALID', message })
    })

  test('every error of a description at once, each on a line with its file', async (t) => {
    const machine = 'network: { latencySeconds: -1 }\ndisk: { bytesPerSecond: 0 }'
    await assert.rejects(plan(t, [pretrain(ALONE)], machine), ({ message }: Error) => {
      assert.deepEqual(
        message.split('\n').map((line) => /machine\.yaml: ([\w.]+)/.exec(line)?.[1]),
        ['network.latencySeconds', 'disk.bytesPerSecond'],
      )
      return true
    })
  })

  test('a description that is no YAML, with its file and line', async (t) => {
    await assert.rejects(plan(t, [pretrain(ALONE)], 'a: ['), { code: 'YAML_INVALID', message: /machine\.yaml: .*line/ })
  })

  test('a job with an error, as `run` does', async (t) => {
    const job = pretrain({ batchSize: 0 })
    await assert.rejects(plan(t, [job]), {
      code: 'INVALID_JOB',
      message: /PretrainJob\/jft: spec\.batchSize: 0: expected/,
    })
  })

  test('files without a job', async (t) => {
    const claim = { apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: { name: 'jft' } }
    await assert.rejects(plan(t, [claim]), { code: 'NO_JOB' })
  })

  test('a backend without a measured step, unless the description says its compute', async (t) => {
    const { compute: _, ...rest } = MACHINE
    const job = pretrain({ ...ALONE, runtime: { backend: 'webgpu' } })
    const message = /backend webgpu .*compute\.secondsPerStep/
    await assert.rejects(plan(t, [job], JSON.stringify(rest)), { code: 'COMPUTE_UNKNOWN', message })
    assert.equal((await plan(t, [job])).code, 0)
  })
})

test('the description in docs/plan.md is valid', async (t) => {
  const [, example = ''] = /```yaml\n([\s\S]*?)```/.exec(readFileSync('docs/plan.md', 'utf8')) ?? []
  const { out } = await plan(t, [pretrain(ALONE)], example)
  assert.match(out, /^network\.bytesPerSecond +1250000000 +machine\.yaml$/m)
  assert.match(out, /^server\.copySecondsPerGigabyte .* default: bench\/results\/workers\.json, /m)
})
