import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import type { Job } from '../../../src/api/job.ts'
import { validateJob } from '../../../src/api/parse.ts'
import { LABELS } from '../../../src/contract/names.ts'
import { ENV, MOUNTS, SHARED_MEMORY, TENSORFLOW_THREADS } from '../../../src/contract/runtime.ts'
import { planJob } from '../../../src/plan/job-plan.ts'
import { runtimeConfig } from '../../../src/plan/runtime-config.ts'
import type { PlannedPod } from '../../../src/plan/types.ts'
import { isFields } from '../../../src/support/fields.ts'
import { finetune, pretrain } from '../../support/job-cases.ts'
import { finetuneJob, jobOf, OPTIONS, podsOf, pretrainJob, SOURCE } from './jobs.ts'

const MAX_LABEL = 63
const LABEL_VALUE = /^([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?$/
const DNS_LABEL = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/
const containerOf = (pod: PlannedPod) => pod.spec.containers[0] as PlannedPod['spec']['containers'][0]
const longest = 'a'.repeat(40)
const largest = { parameterServer: { replicas: 200 }, workers: { replicas: 5000 } }

suite('names of pods', () => {
  test('have job, kind, role and index, and are unique', () => {
    const small = { parameterServer: { replicas: 2 }, workers: { replicas: 3 } }
    const names = podsOf(pretrainJob(small)).map(({ metadata }) => metadata.name)
    assert.deepEqual(names, [
      'jft-pj-ps-0',
      'jft-pj-ps-1',
      'jft-pj-worker-0',
      'jft-pj-worker-1',
      'jft-pj-worker-2',
      'jft-pj-evaluator-0',
    ])
  })

  test('differ from those of a FinetuneJob of the same name', () => {
    const names = [...podsOf(pretrainJob({}, 'same')), ...podsOf(finetuneJob({}, 'same'))].map(
      (pod) => pod.metadata.name,
    )
    assert.equal(new Set(names).size, names.length)
  })

  test('are valid host names and labels for the longest name and the largest job', () => {
    const plan = planJob(pretrainJob(largest, longest), OPTIONS)
    const pods = [
      plan.pod('worker', 4999, { attempt: 99_999, generation: 99_999 }),
      ...podsOf(finetuneJob({}, longest)),
    ]
    for (const { metadata, spec } of pods) {
      for (const name of [metadata.name, spec.hostname ?? 'ps', spec.subdomain ?? 'ps']) {
        assert.ok(String(name).length <= MAX_LABEL && DNS_LABEL.test(String(name)), String(name))
      }
      for (const [key, value] of Object.entries(metadata.labels)) {
        assert.ok(value.length <= MAX_LABEL && LABEL_VALUE.test(value), `${key}: ${value}`)
      }
    }
    assert.ok(plan.service.metadata.name.length <= MAX_LABEL)
  })

  test('are host names of parameter servers, which workers look up', () => {
    const job = pretrainJob({ parameterServer: { replicas: 2 }, workers: { replicas: 1 } })
    const hosts = podsOf(job).flatMap(({ spec: { hostname, subdomain } }) =>
      hostname ? [`${hostname}.${subdomain}`] : [],
    )
    assert.deepEqual(hosts, ['jft-pj-ps-0.jft-pj', 'jft-pj-ps-1.jft-pj'])
    assert.deepEqual(
      runtimeConfig(job).topology.psHosts,
      hosts.map((host) => `${host}.${job.metadata.namespace}.svc`),
    )
  })

  test('are also in the labels that the operator selects pods by, beside labels of the user', () => {
    const pods = podsOf(pretrainJob({ workers: { template: { labels: { team: 'vision' } } } }))
    const worker = pods.find((pod) => /worker/.test(pod.metadata.name))
    assert.equal(worker?.metadata.labels['downpour.dev/role'], 'worker')
    assert.equal(worker?.metadata.labels.team, 'vision')
  })
})

suite('every pod meets Pod Security level restricted', () => {
  for (const [name, job] of [
    ['PretrainJob', pretrainJob()],
    ['FinetuneJob', finetuneJob()],
  ] as const) {
    test(name, () => {
      for (const pod of podsOf(job)) {
        const { securityContext, automountServiceAccountToken, hostNetwork, hostPID, hostIPC, volumes } = pod.spec
        const context = securityContext as Record<string, unknown>
        assert.equal(context.runAsNonRoot, true)
        assert.notEqual(context.runAsUser, 0)
        assert.deepEqual(context.seccompProfile, { type: 'RuntimeDefault' })
        assert.equal(automountServiceAccountToken, false)
        assert.deepEqual([hostNetwork, hostPID, hostIPC], [undefined, undefined, undefined])
        assert.equal(pod.spec.containers.length, 1)
        assert.deepEqual(containerOf(pod).securityContext, {
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ['ALL'] },
        })
        for (const volume of volumes) {
          const kinds = Object.keys(volume).filter((key) => key !== 'name')
          assert.ok(['persistentVolumeClaim', 'emptyDir'].includes(String(kinds)), String(kinds))
        }
      }
    })
  }
})

suite('strings of the user', () => {
  const nasty = fc.constantFrom('$(DOWNPOUR_CONFIG)', '$(id)', '`id`', ';id', '../x', '\n', '"', '%', 'ok/path')
  const text = fc.array(fc.oneof(nasty, fc.string({ maxLength: 8 })), { maxLength: 4 }).map((parts) => parts.join(''))

  test('are in no command line, no shell, and no variable that Kubernetes expands', () => {
    fc.assert(
      fc.property(text, text, (path, labels) => {
        const over = { data: { source: { claimName: 'jft', path }, format: 'tfrecord', labels } }
        if (validateJob(pretrain(over)).length > 0) return
        for (const pod of podsOf(
          pretrainJob({ ...over, parameterServer: { replicas: 1 }, workers: { replicas: 1 } }),
        )) {
          const { args, env, ...rest } = containerOf(pod)
          assert.match(args.join(' '), /^(ps|worker|evaluator) --index \d --attempt 0$/)
          assert.ok(!('command' in rest))
          const config = env.find(({ name }) => name === ENV.config)?.value ?? ''
          assert.ok(!config.includes('$('), config)
          assert.doesNotThrow(() => JSON.parse(config))
        }
      }),
      { numRuns: 200 },
    )
  })

  const variablesOf = (template: Record<string, unknown>) => {
    const pods = podsOf(pretrainJob({ workers: { replicas: 1, template } }))
    const worker = pods.find(({ metadata }) => metadata.name === 'jft-pj-worker-0') as PlannedPod
    return Object.fromEntries(containerOf(worker).env.map(({ name, value }) => [name, value]))
  }

  test('a CPU limit becomes threads of TensorFlow, rounded up, and a GPU a variable that the process checks', () => {
    const plain = variablesOf({})
    const [threads, operations] = TENSORFLOW_THREADS
    assert.deepEqual([plain[threads], plain[operations], plain[ENV.gpu]], [undefined, undefined, undefined])
    const gpu = { limits: { cpu: '3500m', 'nvidia.com/gpu': 1, 'rdma/hca': 1 } }
    const limited = variablesOf({ resources: gpu })
    assert.deepEqual([limited[threads], limited[operations], limited[ENV.gpu]], ['4', '4', 'nvidia.com/gpu'])
    assert.equal(variablesOf({ resources: { limits: { 'rdma/hca': 1 } } })[ENV.gpu], undefined)
    const own = variablesOf({ resources: gpu, env: [{ name: threads, value: '2' }] })
    assert.deepEqual([own[threads], own[operations]], ['2', '4'])
  })

  test('may be environment variables beside those of the operator, and may set the log level', () => {
    const env = [{ name: ENV.logLevel, value: 'debug' }]
    const pods = podsOf(pretrainJob({ workers: { replicas: 1, template: { env } } }))
    const worker = pods.find(({ metadata }) => metadata.name === 'jft-pj-worker-0') as PlannedPod
    const variableOf = (wanted: string) => containerOf(worker).env.find(({ name }) => name === wanted)?.value
    assert.equal(JSON.parse(variableOf(ENV.config) ?? '').formatVersion, 1)
    assert.equal(variableOf(ENV.logLevel), 'debug')
  })
})

suite('volumes', () => {
  test('are one for a claim that is used twice; only checkpoints are mounted for writing', () => {
    const claimName = 'everything'
    const source = { source: { claimName }, format: 'tfrecord' }
    const over = {
      data: source,
      checkpoint: { storage: { volume: { claimName } } },
      evaluation: { data: source, metric: 'loss' },
    }
    for (const pod of podsOf(pretrainJob(over))) {
      const names = pod.spec.volumes.map(({ name }) => name)
      assert.equal(new Set(names).size, names.length)
      const known = new Set(names)
      for (const mount of containerOf(pod).volumeMounts) {
        assert.ok(known.has(mount.name), mount.name)
        if (mount.mountPath === MOUNTS.data) assert.equal(mount.readOnly, true)
      }
    }
  })

  test('of a worker with several processes include memory that they share, instead of the 64 MiB of a container', () => {
    const sharedBy = (workers: object) =>
      podsOf(pretrainJob({ workers: { replicas: 1, ...workers } })).flatMap((pod) => {
        const mounts = containerOf(pod).volumeMounts.filter(({ mountPath }) => mountPath === SHARED_MEMORY)
        return mounts.map((mount) => [pod.metadata.labels[LABELS.role], volumeOf(pod, mount.name)])
      })
    const volumeOf = ({ spec }: PlannedPod, wanted: string) => {
      const { name: _, ...source } = spec.volumes.find(({ name }) => name === wanted) ?? { name: '' }
      return source
    }
    assert.deepEqual(sharedBy({}), [])
    assert.deepEqual(sharedBy({ perPod: 2 }), [['worker', { emptyDir: { medium: 'Memory' } }]])
    const emptyDir = { medium: 'Memory', sizeLimit: '9Gi' }
    const template = { volumes: [{ name: 'own', emptyDir }], volumeMounts: [{ name: 'own', mountPath: SHARED_MEMORY }] }
    assert.deepEqual(sharedBy({ perPod: 2, template }), [['worker', { emptyDir }]], 'the user may mount another one')
  })

  test('of the user have other names than those of the operator', () => {
    const template = {
      volumes: [{ name: 'tmp', emptyDir: {} }],
      volumeMounts: [{ name: 'tmp', mountPath: '/scratch' }],
    }
    for (const pod of podsOf(pretrainJob({ workers: { replicas: 1, template } }))) {
      const names = pod.spec.volumes.map(({ name }) => name)
      assert.equal(new Set(names).size, names.length, names.join())
    }
  })

  test('of parameter servers include the volume of the source checkpoint, read-only and once', () => {
    const from = (claimName: string) => ({ volume: { claimName, path: 'imagenet' } })
    for (const job of [jobOf(pretrain({ from: from('weights') })), jobOf(finetune({ from: from('checkpoints') }))]) {
      const claimName = job.spec.from?.volume?.claimName
      for (const pod of podsOf(job)) {
        const isServer = pod.metadata.labels[LABELS.role] === 'ps'
        const mounts = containerOf(pod).volumeMounts.filter(({ mountPath }) => mountPath === MOUNTS.source)
        assert.deepEqual(
          mounts.map(({ readOnly }) => readOnly),
          isServer ? [true] : [],
        )
        const claims = pod.spec.volumes.map(({ persistentVolumeClaim }) => persistentVolumeClaim)
        const own = claims.filter((one) => isFields(one) && one.claimName === claimName)
        if (isServer) assert.deepEqual(own, [{ claimName, readOnly: claimName === 'weights' }])
      }
    }
  })

  test('of parameter servers include the claim of the source checkpoint, if the job has a source', () => {
    const mountsOf = (job: Job) =>
      containerOf(podsOf(job)[0] as PlannedPod).volumeMounts.map(({ mountPath }) => mountPath)
    const continued = jobOf(pretrain({ from: { pretrainJob: 'imagenet' } }), { source: SOURCE })
    assert.ok(mountsOf(finetuneJob()).includes(MOUNTS.source))
    assert.ok(mountsOf(continued).includes(MOUNTS.source))
    assert.ok(!mountsOf(pretrainJob()).includes(MOUNTS.source))
    assert.ok(mountsOf(jobOf(finetune({ from: { volume: { claimName: 'w' } } }))).includes(MOUNTS.source))
    assert.ok(!mountsOf(finetuneJob({ init: 'random', from: undefined })).includes(MOUNTS.source))
  })
})
