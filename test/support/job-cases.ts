/** Valid jobs and jobs with one error each, about which `downpour validate`, the CRDs and an API server must agree. */
import { API_VERSION, type JobKind } from '../../src/contract/names.ts'

type Fields = Record<string, unknown>

export interface RawJob {
  apiVersion: string
  kind: JobKind
  metadata: { name: string; namespace: string }
  spec: Fields
}

export interface JobCase {
  name: string
  job: RawJob
  /** The `path: message` of an issue of `validateJob`; absent if the job is valid. */
  issue?: RegExp
  /** Part of the API server's message, if a CEL rule refuses the job. */
  cel?: string
}

const claim = (claimName: string, path?: string) => ({ claimName, ...(path === undefined ? {} : { path }) })
const data = (over: Fields = {}) => ({ source: claim('jft'), format: 'tfrecord', labels: 'labels.json', ...over })
const checkpoint = (over: Fields = {}) => ({ storage: { volume: claim('checkpoints') }, ...over })

export function pretrain(over: Fields = {}, name = 'jft'): RawJob {
  const spec = { preset: 'jft-resnet101', data: data(), checkpoint: checkpoint(), ...over }
  return { apiVersion: API_VERSION, kind: 'PretrainJob', metadata: { name, namespace: 'team' }, spec }
}

const CLASSIFICATION = { type: 'imagenet-classification', classes: 9 }

const finetuneSpec = {
  preset: 'imagenet-finetune',
  data: data({ format: 'imagenet-folder' }),
  evaluation: { data: data({ source: claim('jft', 'val'), format: 'imagenet-folder' }) },
  checkpoint: checkpoint(),
}

const VOC = { source: { claimName: 'data' }, format: 'voc' }
const MASKS = { preset: 'voc12-segmentation', data: VOC, evaluation: { data: VOC } }
const COCO = { source: { claimName: 'data' }, format: 'coco' }

/** @param gpus limits of a worker */
function ofGpus(perPod: number | undefined, gpus: Fields): RawJob {
  return pretrain({
    workers: { ...(perPod === undefined ? {} : { perPod }), template: { resources: { limits: gpus } } },
  })
}

export function finetune(over: Fields = {}, name = 'birds'): RawJob {
  const spec = { ...finetuneSpec, from: { pretrainJob: 'jft' }, ...over }
  return { apiVersion: API_VERSION, kind: 'FinetuneJob', metadata: { name, namespace: 'team' }, spec }
}

export const transfer = (over: Fields = {}, template: Fields = {}) => ({
  name: 'imagenet',
  at: { success: true },
  template: { ...finetuneSpec, ...template },
  ...over,
})

/** The template of a transfer that leaves all it can to its preset. */
export const SHORT_TEMPLATE = {
  preset: 'downstream-mini',
  task: { type: 'imagenet-classification', classes: 3 },
  maxSteps: 10,
  data: { source: { claimName: 'd' }, format: 'imagenet-folder' },
  evaluation: { data: { source: { claimName: 'd' }, format: 'imagenet-folder' } },
  checkpoint: { storage: { volume: { claimName: 'c' } } },
}

const valid = (name: string, job: RawJob): JobCase => ({ name, job })
const invalid = (name: string, job: RawJob, issue: RegExp, cel?: string): JobCase => ({
  name,
  job,
  issue,
  ...(cel ? { cel } : {}),
})
const ofWorkers = (template: Fields) => pretrain({ workers: { template } })
const piecewise = (boundaries: number[], values: number[]) =>
  pretrain({ learningRate: { type: 'piecewise', boundaries, values } })

const VALID: readonly JobCase[] = [
  valid('pod user ids that the platform assigns', pretrain({ runtime: { podIds: 'platform' } })),
  valid(
    'propagated labels and annotations, also of tools',
    pretrain({ propagate: { labels: ['team', 'app.kubernetes.io/instance'], annotations: ['Example.com/owner'] } }),
  ),
  valid(
    'an evaluation with a sample, excluded images and no waiting checkpoints',
    finetune({ evaluation: { data: data(), maxExamples: 5000, exclude: 'lists/near.tsv', maxWaiting: 0 } }),
  ),
  valid(
    'a pre-training evaluation with excluded images',
    pretrain({ evaluation: { data: data({ source: claim('jft', 'val') }), exclude: 'near.tsv', maxWaiting: 100 } }),
  ),
  valid('pods that are replaced after lostNodeSeconds', finetune({ failurePolicy: { lostNodeSeconds: 600 } })),
  ...['jft-resnet101', 'jft-resnet50', 'jft-resnet152', 'imagenet-baseline'].map((preset) =>
    valid(`preset ${preset} with only data and checkpoint storage`, pretrain({ preset })),
  ),
  valid('preset jft-mini with steps', pretrain({ preset: 'jft-mini', maxSteps: 5 })),
  valid('a task that replaces the task of the preset', pretrain({ task: { type: 'multi-label', classes: 9 } })),
  valid('a preset for another task', pretrain({ preset: 'object-count-mini', maxSteps: 5 })),
  valid('a PretrainJob task without a type', pretrain({ task: { classes: 9, headSlices: 3 } })),
  valid(
    'single-label classification and its metric',
    pretrain({
      task: { type: 'imagenet-classification', classes: 9 },
      evaluation: { data: data({ source: claim('jft', 'val') }), metric: 'top5' },
    }),
  ),
  valid('a FinetuneJob without a preset', finetune({ preset: undefined, task: CLASSIFICATION, maxSteps: 5 })),
  valid('a FinetuneJob from the latest checkpoint', finetune()),
  valid('a FinetuneJob of weights of torchvision', finetune({ model: { variant: 'torchvision' } })),
  valid('a FinetuneJob from one step', finetune({ from: { pretrainJob: 'jft', checkpoint: 'step', step: 7 } })),
  valid('a FinetuneJob from a folder on a volume', finetune({ from: { volume: claim('weights', 'imagenet/best') } })),
  valid('a PretrainJob from a whole volume', pretrain({ from: { volume: claim('weights') } })),
  valid('a baseline without a source', finetune({ from: undefined, init: 'random' })),
  valid('no preset and all required fields', pretrain({ preset: undefined, task: { classes: 5 }, maxSteps: 10 })),
  valid('another optimizer than the preset', pretrain({ optimizer: { type: 'momentum', momentum: 0.9 } })),
  valid('a PretrainJob that starts from another one', pretrain({ from: { pretrainJob: 'imagenet' } })),
  valid('a label subset', pretrain({ data: data({ labelSubset: { names: ['dog', 'cat'] } }) })),
  valid(
    'a label subset that keeps all labels of its images',
    pretrain({ data: data({ labelSubset: { names: ['dog'], keepOtherLabels: true } }) }),
  ),
  valid('Adam', pretrain({ optimizer: { type: 'adam', beta1: 0.9, beta2: 0.999, epsilon: 1e-8 } })),
  valid('delay compensation with its default strength', pretrain({ async: { policy: { type: 'dcAsgd' } } })),
  valid(
    'delay compensation with a strength',
    pretrain({ async: { policy: { type: 'dcAsgd', delayCompensation: 0.1 } } }),
  ),
  valid('an asynchrony policy without fields', pretrain({ async: { policy: { type: 'lrOverStaleness' } } })),
  valid('gradients of 8 bits', pretrain({ async: { compression: 'int8' } })),
  valid('gradients of 16 bits in a transfer', finetune({ async: { compression: 'bf16' } })),
  valid('gradients that are not compressed', pretrain({ async: { compression: 'none' } })),
  valid('a bounded delay of nothing', pretrain({ async: { policy: { type: 'boundedDelay', maxDelay: 0 } } })),
  valid(
    'as many backups as workers less one',
    pretrain({ workers: { replicas: 3 }, async: { policy: { type: 'syncBackup', backups: 2 } } }),
  ),
  valid(
    'backups for the workers of the preset',
    pretrain({ async: { pushEvery: 4, policy: { type: 'syncBackup', backups: 4 } } }),
  ),
  valid('weights that are prefetched', pretrain({ async: { prefetch: true } })),
  valid(
    'weights that are prefetched every second step, for gradients with a rate of their own',
    pretrain({ async: { prefetch: true, fetchEvery: 2, policy: { type: 'lrOverStaleness' } } }),
  ),
  valid(
    'synchronous updates without prefetch',
    pretrain({ async: { prefetch: false, policy: { type: 'syncBackup', backups: 1 } } }),
  ),
  valid('slow workers that are reported with the defaults', pretrain({ workers: { stragglers: {} } })),
  valid(
    'slow workers that are replaced',
    pretrain({ workers: { stragglers: { policy: 'Replace', slowerThan: 1.5, forSeconds: 60, maxReplacements: 1 } } }),
  ),
  valid('several processes in the pod of a worker', pretrain({ workers: { perPod: 4 } })),
  valid('a process for each GPU', ofGpus(8, { 'nvidia.com/gpu': 8 })),
  valid('a process for each part of a GPU', ofGpus(3, { 'nvidia.com/mig-1g.10gb': '2', 'nvidia.com/mig-2g.20gb': 1 })),
  valid('one process for one GPU', ofGpus(1, { 'amd.com/gpu': 1 })),
  valid('processes beside devices that are no GPUs', ofGpus(2, { 'rdma/hca': 1 })),
  valid('processes on processors with WebGPU', pretrain({ workers: { perPod: 2 }, runtime: { backend: 'webgpu' } })),
  valid('several GPUs of a job that says nothing of processes', ofGpus(undefined, { 'nvidia.com/gpu': 2 })),
  valid('rising boundaries and one more value', piecewise([10, 20], [0.1, 0.01, 0.001])),
  valid(
    'transfers at steps and at the end',
    pretrain({ transfers: [transfer({ at: { success: true, steps: [5, 9] } })] }),
  ),
  valid('five frozen stages of a backbone with four blocks', finetune({ freeze: { type: 'stages', stages: 5 } })),
  valid(
    'calibrated statistics of random weights',
    finetune({ from: undefined, init: 'random', batchNorm: { mode: 'calibrated' } }),
  ),
  valid('a baseline among the transfers', pretrain({ transfers: [transfer({}, { init: 'random' })] })),
  valid('paths with dots that stay inside', pretrain({ data: data({ source: claim('jft', './.hidden/a..b/...') }) })),
  valid('a file pattern for shards', pretrain({ data: data({ files: 'train-?????-of-*' }) })),
  valid(
    'quantities as strings and as numbers',
    pretrain({ workers: { template: { resources: { limits: { cpu: 2, memory: '4Gi', 'nvidia.com/gpu': '1' } } } } }),
  ),
  valid(
    'free-form Kubernetes fields',
    pretrain({
      workers: {
        template: {
          tolerations: [{ key: 'gpu', operator: 'Exists' }],
          affinity: { nodeAffinity: {} },
          env: [{ name: 'A', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } }],
          volumes: [{ name: 'v', emptyDir: {} }],
          volumeMounts: [{ name: 'v', mountPath: '/v', readOnly: true }],
        },
      },
    }),
  ),
  valid(
    'a volume of every type that Pod Security level restricted allows',
    ofWorkers({
      volumes: [
        { name: 'a', configMap: { name: 'a' } },
        { name: 'b', csi: { driver: 'b' } },
        { name: 'c', downwardAPI: { items: [] } },
        { name: 'd', emptyDir: { medium: 'Memory' } },
        { name: 'e', ephemeral: { volumeClaimTemplate: {} } },
        { name: 'f', persistentVolumeClaim: { claimName: 'f' } },
        { name: 'g', projected: { sources: [{ secret: { name: 'g' } }, { configMap: { name: 'g' } }] } },
        { name: 'h', secret: { secretName: 'h' } },
      ],
    }),
  ),
  valid(
    'a user and groups of its own',
    ofWorkers({
      securityContext: {
        runAsNonRoot: true,
        runAsUser: 1000,
        runAsGroup: 0,
        fsGroup: 2000,
        fsGroupChangePolicy: 'OnRootMismatch',
        supplementalGroups: [3000],
        seccompProfile: { type: 'Localhost', localhostProfile: 'ours.json' },
        seLinuxOptions: { type: 'container_t', level: 's0:c1,c2' },
      },
      serviceAccountName: 'trainer',
    }),
  ),
  valid('a Kueue queue', pretrain({ scheduling: { queueName: 'team-a', priorityClassName: 'high' } })),
  valid('a Volcano gang in a queue', finetune({ scheduling: { gang: 'volcano', queueName: 'team-a' } })),
  valid('a coscheduling gang', pretrain({ scheduling: { gang: 'coscheduling', schedulerName: 'gangs' } })),
  valid('a name that begins with a letter and ends with a digit', pretrain({}, 'a-50')),
  valid(
    'environment variables from every source',
    ofWorkers({
      env: [
        { name: 'EMPTY' },
        { name: '.a-b.c', value: ' = ü\n' },
        { name: 'B', valueFrom: { configMapKeyRef: { name: 'a.b', key: 'c.d', optional: true } } },
        { name: 'C', valueFrom: { secretKeyRef: { name: 'a', key: '_' } } },
        { name: 'D', valueFrom: { fieldRef: { apiVersion: 'v1', fieldPath: "metadata.labels['example.com/team']" } } },
        { name: 'E', valueFrom: { resourceFieldRef: { resource: 'limits.cpu', divisor: '1m' } } },
        { name: 'F', valueFrom: { resourceFieldRef: { resource: 'requests.memory', divisor: '1Mi' } } },
      ],
    }),
  ),
  valid(
    'several mounts of one volume',
    ofWorkers({
      volumes: [{ name: 'v', emptyDir: {} }],
      volumeMounts: [
        { name: 'v', mountPath: '/my data/.cache/..a', subPath: 'a/.b' },
        { name: 'v', mountPath: '/w', readOnly: true, recursiveReadOnly: 'IfPossible', mountPropagation: 'None' },
        { name: 'v', mountPath: '/x', subPathExpr: '$(POD)', mountPropagation: 'HostToContainer' },
      ],
    }),
  ),
  valid(
    'labels, annotations and a node selector with domains',
    ofWorkers({
      labels: { team: '', 'example.com/Team_1': 'a.b-C', ['k'.repeat(63)]: 'v'.repeat(63) },
      annotations: { 'Example.com/note': 'any text\n', 'kueue.x-k8s.io/podset-required-topology': 'rack' },
      nodeSelector: { 'kubernetes.io/arch': 'amd64' },
    }),
  ),
  valid(
    'tolerations of every kind',
    ofWorkers({
      tolerations: [
        { operator: 'Exists' },
        { key: 'a', operator: 'Equal', value: 'b', effect: 'NoExecute', tolerationSeconds: 60 },
        { key: 'example.com/a', value: '', effect: 'PreferNoSchedule' },
      ],
    }),
  ),
  valid(
    'requests below limits, devices and huge pages in both',
    ofWorkers({
      resources: {
        requests: { cpu: '500m', memory: '1e9', 'nvidia.com/gpu': '1', 'hugepages-2Mi': '4Mi' },
        limits: { cpu: 1, memory: '1Gi', 'nvidia.com/gpu': 1, 'hugepages-2Mi': '4096Ki', 'rdma/hca': '1k' },
      },
    }),
  ),
  valid('a name of 40 characters', pretrain({}, 'a'.repeat(40))),
  valid(
    'null for known fields, also of another type, in maps and in entries of lists',
    pretrain({
      suspend: null,
      evaluation: null,
      learningRate: { type: 'constant', initial: 1, power: null },
      optimizer: { type: 'momentum', momentum: 0.9, decay: null },
      checkpoint: checkpoint({ everySteps: 5, everyMinutes: null }),
      transfers: [transfer({ at: { success: true, steps: null } })],
      workers: {
        template: {
          labels: { team: null },
          affinity: { nodeAffinity: null },
          topologySpreadConstraints: [{ labelSelector: null }],
          env: [{ name: 'A', value: 'x', valueFrom: null }],
          tolerations: [{ key: null, operator: 'Exists' }],
          volumes: [{ name: 'v', emptyDir: {}, secret: null }],
          volumeMounts: null,
        },
      },
    }),
  ),
  valid(
    'the maximum number of annotations of the maximum length',
    ofWorkers({
      annotations: Object.fromEntries(Array.from({ length: 48 }, (_, i) => [`a${i}`, '😀'.repeat(1024)])),
    }),
  ),
]

const INVALID_TYPES: readonly JobCase[] = [
  ...[
    ['for an unknown field', { nothing: null }, /^spec\.nothing: unknown field/],
    ['as an entry of a list', { failurePolicy: { retryableExitCodes: [null] } }, /retryableExitCodes\[0\]: expected/],
    ['as a transfer', { transfers: [null] }, /^spec\.transfers\[0\]: expected an object/],
    [
      'for an unknown field of a variable',
      { workers: { template: { env: [{ name: 'A', foo: null }] } } },
      /foo: unknown field/,
    ],
    ['for a required field', { data: null }, /^spec\.data: required/],
    [
      'for the only type of a volume',
      { workers: { template: { volumes: [{ name: 'v', emptyDir: null }] } } },
      /exactly one of/,
    ],
  ].map(([what, over, issue]) => invalid(`null ${what}`, pretrain(over as Fields), issue as RegExp)),
  invalid(
    'more annotations than fit into a pod',
    ofWorkers({ annotations: Object.fromEntries(Array.from({ length: 49 }, (_, i) => [`a${i}`, ''])) }),
    /annotations: must have at most 48 entries/,
  ),
  invalid(
    'a quantity beyond the integers of a double',
    ofWorkers({ resources: { limits: { memory: 2 ** 53 } } }),
    /memory: expected a number of at most 9007199254740991/,
  ),
  invalid('an unknown value of podIds', pretrain({ runtime: { podIds: 'mine' } }), /^spec\.runtime\.podIds: /),
  invalid(
    'an invalid key of a propagated label',
    pretrain({ propagate: { labels: ['-team'] } }),
    /^spec\.propagate\.labels\[0\]: /,
  ),
  invalid(
    'an empty key of a propagated annotation',
    pretrain({ propagate: { annotations: [''] } }),
    /^spec\.propagate\.annotations\[0\]: /,
  ),
  invalid(
    'a repeated key of a propagated label',
    pretrain({ propagate: { labels: ['a', 'a'] } }),
    /^spec\.propagate\.labels: must not repeat/,
  ),
  invalid(
    'lostNodeSeconds of 0',
    pretrain({ failurePolicy: { lostNodeSeconds: 0 } }),
    /^spec\.failurePolicy\.lostNodeSeconds: /,
  ),
  invalid(
    'a file pattern that leaves its folder',
    pretrain({ data: data({ files: '../*' }) }),
    /^spec\.data\.files: .*pattern/,
  ),
  invalid(
    'a file pattern for class folders',
    finetune({ data: data({ format: 'imagenet-folder', files: 'train-*' }) }),
    /^spec\.data\.files: is for format tfrecord/,
    'is for format tfrecord',
  ),
  invalid(
    'a file pattern for class folders in the evaluation',
    finetune({ evaluation: { data: data({ format: 'imagenet-folder', files: 'train-*' }) } }),
    /^spec\.evaluation\.data\.files: is for format tfrecord/,
    'is for format tfrecord',
  ),
  ...(
    [
      [
        'labels',
        'labels.json',
        'coco',
        'tfrecord-detection or tfrecord-segmentation or tfrecord or voc or imagenet-folder or webdataset',
      ],
      ['annotations', 'annotations/instances_val2017.json', 'imagenet-folder', 'coco'],
      ['images', 'val2017', 'imagenet-folder', 'coco'],
      ['imageSet', 'Main/train', 'imagenet-folder', 'voc'],
    ] as const
  ).flatMap(([option, value, format, formats]) => [
    invalid(
      `${option} beside another format`,
      finetune({ data: data({ format, [option]: value }) }),
      new RegExp(`^spec\\.data\\.${option}: is for format ${formats}`),
      `is for format ${formats}`,
    ),
    invalid(
      `${option} beside another format in the evaluation`,
      finetune({ evaluation: { data: data({ format, [option]: value }) } }),
      new RegExp(`^spec\\.evaluation\\.data\\.${option}: is for format ${formats}`),
      `is for format ${formats}`,
    ),
  ]),
  invalid(
    'a list of excluded images outside of the volume',
    finetune({ evaluation: { data: data(), exclude: '../near.tsv' } }),
    /^spec\.evaluation\.exclude: .*a relative path inside the volume/,
  ),
  invalid(
    'a sample of no image',
    finetune({ evaluation: { data: data(), maxExamples: 0 } }),
    /^spec\.evaluation\.maxExamples: /,
  ),
  invalid(
    'too many waiting checkpoints',
    pretrain({ evaluation: { data: data({ source: claim('jft', 'val') }), maxWaiting: 101 } }),
    /^spec\.evaluation\.maxWaiting: /,
  ),
  invalid('an unknown field', pretrain({ batchsize: 32 }), /^spec\.batchsize: unknown field; did you mean batchSize\?/),
  invalid('an unknown field that ends like a known one', pretrain({ xmaxSteps: 3 }), /did you mean maxSteps\?$/),
  invalid('the classes of the task under model', pretrain({ model: { classes: 9 } }), /did you mean task\.classes\?$/),
  invalid('an unknown nested field', pretrain({ workers: { replica: 3 } }), /^spec\.workers\.replica: .*replicas\?/),
  invalid('an unknown gang', pretrain({ scheduling: { gang: 'yes' } }), /gang: expected one of none, volcano, cosch/),
  invalid('a queue in capitals', pretrain({ scheduling: { queueName: 'Q' } }), /queueName: expected lower-case/),
  invalid('a string for a number', pretrain({ maxSteps: '36M' }), /^spec\.maxSteps: expected a number/),
  invalid('a number for an object', pretrain({ learningRate: 0.1 }), /^spec\.learningRate: expected an object/),
  invalid(
    'a number of steps that is not whole',
    pretrain({ maxSteps: 1.5 }),
    /^spec\.maxSteps: expected a whole number/,
  ),
  invalid('a negative count', pretrain({ maxSteps: -1 }), /^spec\.maxSteps: expected a number of at least 1/),
  invalid('more steps than a folder name can hold', pretrain({ maxSteps: 1e9 }), /at most 999999999/),
  invalid('a negative seed', pretrain({ seed: -1 }), /^spec\.seed: expected a number of at least 0/),
  invalid('a learning rate of 0', pretrain({ learningRate: { type: 'constant', initial: 0 } }), /more than 0/),
  invalid('momentum 1, which never decays', pretrain({ optimizer: { type: 'momentum', momentum: 1 } }), /less than 1/),
  invalid(
    'no worker',
    pretrain({ workers: { replicas: 0 } }),
    /^spec\.workers\.replicas: expected a number of at least 1/,
  ),
  invalid(
    'workers that are slow when they take as long as the others',
    pretrain({ workers: { stragglers: { slowerThan: 1 } } }),
    /^spec\.workers\.stragglers\.slowerThan: expected a number more than 1/,
  ),
  invalid(
    'an unknown policy for slow workers',
    pretrain({ workers: { stragglers: { policy: 'Delete' } } }),
    /stragglers\.policy: expected one of Report, Replace/,
  ),
  invalid('no parameter server', pretrain({ parameterServer: { replicas: 0 } }), /at least 1/),
  invalid('one kept checkpoint, which may be damaged', pretrain({ checkpoint: checkpoint({ keep: 1 }) }), /at least 2/),
  invalid('a subset fraction above 1', pretrain({ data: data({ subset: { fraction: 1.1 } }) }), /at most 1/),
  invalid(
    'a path that leaves its folder',
    pretrain({ data: data({ source: claim('jft', 'a/../../b') }) }),
    /without "\.\."/,
  ),
  invalid('an absolute path', pretrain({ data: data({ labels: '/etc/passwd' }) }), /relative path/),
  invalid('a path with a shell command', pretrain({ data: data({ labels: 'a;rm -rf $(b)' }) }), /relative path/),
  invalid(
    'a claim name in capitals',
    pretrain({ data: data({ source: claim('JFT') }) }),
    /claimName: expected lower-case/,
  ),
  invalid('an unknown preset', pretrain({ preset: 'jft' }), /^spec\.preset: expected one of jft-resnet101/),
  invalid('an unknown backbone', pretrain({ model: { backbone: 'vgg' } }), /expected one of resnet-mini/),
  invalid(
    'an unknown variant',
    pretrain({ model: { variant: 'caffe' } }),
    /^spec\.model\.variant: expected one of slim, torchvision/,
  ),
  invalid(
    'an unknown optimizer',
    pretrain({ optimizer: { type: 'lion' } }),
    /^spec\.optimizer\.type: expected one of rmsprop/,
  ),
  invalid(
    'a label subset without a label',
    pretrain({ data: data({ labelSubset: { names: [] } }) }),
    /^spec\.data\.labelSubset\.names: expected a list of at least 1/,
  ),
  invalid(
    'a label subset with a name of 61 characters',
    pretrain({ data: data({ labelSubset: { names: ['x'.repeat(61)] } }) }),
    /^spec\.data\.labelSubset\.names\[0\]: expected a text of at most 60 characters/,
  ),
  invalid(
    'an optimizer that lacks a field',
    pretrain({ optimizer: { type: 'adam', beta1: 0.9, beta2: 0.999 } }),
    /^spec\.optimizer\.epsilon: required/,
  ),
  invalid(
    'an unknown asynchrony policy',
    pretrain({ async: { policy: { type: 'softSync' } } }),
    /^spec\.async\.policy\.type: expected one of async/,
  ),
  invalid(
    'a field of another asynchrony policy',
    pretrain({ async: { policy: { type: 'async', delayCompensation: 0.1 } } }),
    /^spec\.async\.policy\.delayCompensation: unknown field/,
    'has no delayCompensation',
  ),
  invalid(
    'an asynchrony policy that is a string',
    pretrain({ async: { policy: 'dcAsgd' } }),
    /^spec\.async\.policy: expected an object/,
  ),
  invalid(
    'an optimizer without its type',
    pretrain({ optimizer: { momentum: 0.9 } }),
    /^spec\.optimizer\.type: required/,
  ),
  invalid(
    'a learning rate schedule that lacks fields',
    pretrain({ learningRate: { type: 'exponential', initial: 1 } }),
    /^spec\.learningRate\.factor: required/,
    'type exponential needs initial, factor, everySteps, staircase',
  ),
  invalid(
    'a field of another optimizer',
    pretrain({ optimizer: { type: 'momentum', momentum: 0.9, decay: 0.9 } }),
    /^spec\.optimizer\.decay: unknown field/,
    'type momentum has no decay, epsilon',
  ),
  invalid('no data', pretrain({ data: undefined }), /^spec\.data: required/),
  invalid('no checkpoint storage', pretrain({ checkpoint: undefined }), /^spec\.checkpoint(\.storage)?: required/),
  invalid('a FinetuneJob without a task', finetune({ preset: undefined, maxSteps: 9 }), /^spec\.task: required/),
  invalid('a FinetuneJob without evaluation', finetune({ evaluation: undefined }), /^spec\.evaluation: required/),
  invalid('a name of 41 characters', pretrain({}, 'a'.repeat(41)), /^metadata\.name: .*at most 40/),
  invalid('a name with a dot', pretrain({}, 'jft.1'), /^metadata\.name: expected lower-case/),
  invalid(
    'a malformed quantity',
    pretrain({ workers: { template: { resources: { limits: { cpu: 'lots' } } } } }),
    /a quantity such as/,
  ),
  invalid(
    'a negative quantity',
    pretrain({ workers: { template: { resources: { limits: { cpu: -1 } } } } }),
    /cpu: expected a number of at least 0/,
  ),
  invalid(
    'a repeated environment variable',
    pretrain({ workers: { template: { env: [{ name: 'A' }, { name: 'A' }] } } }),
    /env: must not repeat a name/,
  ),
  invalid(
    'a repeated transfer step',
    pretrain({ transfers: [transfer({ at: { steps: [5, 5] } })] }),
    /steps: must not repeat/,
  ),
  invalid(
    'two transfers with the same name',
    pretrain({ transfers: [transfer(), transfer()] }),
    /transfers: must not repeat a name/,
  ),
  invalid(
    'a transfer without a task',
    pretrain({ transfers: [transfer({}, { preset: undefined, maxSteps: 9 })] }),
    /template\.task: required/,
  ),
  invalid(
    'a transfer with a source',
    pretrain({ transfers: [transfer({}, { from: { pretrainJob: 'x' } })] }),
    /unknown field/,
  ),
]

/** The operator creates pods with its own permissions, so a job must not give its author more than his own allow. */
const UNSAFE_PODS: readonly JobCase[] = [
  invalid(
    'a folder of the node',
    ofWorkers({ volumes: [{ name: 'v', hostPath: { path: '/' } }] }),
    /^spec\.workers\.template\.volumes\[0\]\.hostPath: unknown field/,
  ),
  invalid(
    'a folder of the node, in a transfer',
    pretrain({
      transfers: [transfer({}, { evaluator: { template: { volumes: [{ name: 'v', hostPath: { path: '/' } }] } } })],
    }),
    /template\.volumes\[0\]\.hostPath: unknown field/,
  ),
  invalid(
    'a volume without a source',
    ofWorkers({ volumes: [{ name: 'v' }] }),
    /volumes\[0\]: must have exactly one of configMap, csi/,
    'must have exactly one of configMap, csi',
  ),
  invalid(
    'a volume with two sources',
    ofWorkers({ volumes: [{ name: 'v', emptyDir: {}, secret: {} }] }),
    /volumes\[0\]: must have exactly one of/,
    'must have exactly one of',
  ),
  invalid(
    "a service account's token",
    ofWorkers({ volumes: [{ name: 'v', projected: { sources: [{ serviceAccountToken: { path: 't' } }] } }] }),
    /projected\.sources\[0\]\.serviceAccountToken: unknown field/,
  ),
  invalid(
    'the user root',
    ofWorkers({ securityContext: { runAsUser: 0 } }),
    /runAsUser: expected a number of at least 1/,
  ),
  invalid(
    'runAsNonRoot that is false',
    ofWorkers({ securityContext: { runAsNonRoot: false } }),
    /^spec\.workers\.template\.securityContext\.runAsNonRoot: expected one of true/,
  ),
  invalid(
    'no seccomp profile',
    ofWorkers({ securityContext: { seccompProfile: { type: 'Unconfined' } } }),
    /seccompProfile\.type: expected one of RuntimeDefault, Localhost/,
  ),
  invalid(
    'a sysctl',
    ofWorkers({ securityContext: { sysctls: [{ name: 'net.core.somaxconn', value: '1' }] } }),
    /securityContext\.sysctls: unknown field/,
  ),
  invalid(
    'a privileged SELinux type',
    ofWorkers({ securityContext: { seLinuxOptions: { type: 'spc_t' } } }),
    /seLinuxOptions\.type: expected one of container_t/,
  ),
  invalid(
    'an SELinux user',
    ofWorkers({ securityContext: { seLinuxOptions: { user: 'system_u' } } }),
    /seLinuxOptions\.user: unknown field/,
  ),
  ...[
    'container.apparmor.security.beta.kubernetes.io/worker',
    'seccomp.security.alpha.kubernetes.io/pod',
    'container.seccomp.security.alpha.kubernetes.io/worker',
    'scheduler.alpha.kubernetes.io/tolerations',
    'kubernetes.io/config.mirror',
    'controller.kubernetes.io/pod-deletion-cost',
  ].flatMap((key) => [
    invalid(
      `the annotation ${key}`,
      ofWorkers({ annotations: { [key]: 'unconfined' } }),
      /annotations: must not hold annotations with a meaning for Kubernetes/,
      'must not hold annotations with a meaning for Kubernetes',
    ),
    invalid(
      `the propagated annotation ${key}`,
      pretrain({ propagate: { annotations: [key] } }),
      /^spec\.propagate\.annotations: must not hold annotations with a meaning for Kubernetes/,
      'must not hold annotations with a meaning for Kubernetes',
    ),
  ]),
]

/** Values that the API server would refuse in the pods or the service of a job. */
const INVALID_PODS: readonly JobCase[] = [
  invalid('a name that begins with a digit', pretrain({}, '50-workers'), /^metadata\.name: .*beginning with a letter/),
  ...['A B', 'A=B', '', '1A', '..', '.', 'Ü', 'A\n'].map((name) =>
    invalid(
      `a variable called ${JSON.stringify(name)}`,
      ofWorkers({ env: [{ name, value: 'x' }] }),
      /env\[0\]\.name: /,
    ),
  ),
  ...['DOWNPOUR_CONFIG', 'DOWNPOUR_DATA_DIR', 'DOWNPOUR_'].map((name) =>
    invalid(
      `the variable ${name}`,
      ofWorkers({ env: [{ name, value: 'x' }] }),
      /env\[0\]: must leave variables whose names begin with DOWNPOUR_/,
      'must leave variables whose names begin with DOWNPOUR_',
    ),
  ),
  ...[4, true, {}, ['a']].map((value) =>
    invalid(
      `a variable whose value is ${JSON.stringify(value)}`,
      ofWorkers({ env: [{ name: 'A', value }] }),
      /env\[0\]\.value: expected a text/,
    ),
  ),
  invalid(
    'a variable with a value and a source',
    ofWorkers({ env: [{ name: 'A', value: 'x', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } }] }),
    /env\[0\]: cannot have both/,
    'cannot have both value and valueFrom',
  ),
  invalid(
    'a variable with an empty valueFrom',
    ofWorkers({ env: [{ name: 'A', valueFrom: {} }] }),
    /valueFrom: must have exactly one of/,
    'must have exactly one of',
  ),
  invalid(
    'a variable with two sources',
    ofWorkers({
      env: [
        {
          name: 'A',
          valueFrom: { fieldRef: { fieldPath: 'metadata.name' }, secretKeyRef: { name: 'a', key: 'b' } },
        },
      ],
    }),
    /valueFrom: must have exactly one of/,
    'must have exactly one of',
  ),
  ...['metadata.foo', 'spec.containers', "metadata.labels['a b']", ''].map((fieldPath) =>
    invalid(
      `a variable from the pod field ${JSON.stringify(fieldPath)}`,
      ofWorkers({ env: [{ name: 'A', valueFrom: { fieldRef: { fieldPath } } }] }),
      /fieldPath: expected a field of a pod|fieldPath: a field of a pod/,
    ),
  ),
  invalid(
    'a memory variable with divisor 1m',
    ofWorkers({ env: [{ name: 'A', valueFrom: { resourceFieldRef: { resource: 'limits.memory', divisor: '1m' } } }] }),
    /resourceFieldRef: must have a divisor that fits/,
    'must have a divisor that fits',
  ),
  invalid(
    'a mount without its volume',
    ofWorkers({ volumeMounts: [{ name: 'v', mountPath: '/v' }] }),
    /template: must list under volumes every volume/,
    'must list under volumes every volume',
  ),
  ...['v', '/a:b', '/a/../b', '/a/./b', '/', '//a', '/a/', '', '/a\u0000'].map((mountPath) =>
    invalid(
      `a mount at ${JSON.stringify(mountPath)}`,
      ofWorkers({ volumes: [{ name: 'v', emptyDir: {} }], volumeMounts: [{ name: 'v', mountPath }] }),
      /mountPath: expected an absolute path|mountPath: an absolute path/,
    ),
  ),
  ...['/tmp', '/mnt/downpour', '/mnt/downpour/data', '/mnt/downpour/checkpoint/x'].map((mountPath) =>
    invalid(
      `a mount over ${mountPath} of the operator`,
      ofWorkers({ volumes: [{ name: 'v', emptyDir: {} }], volumeMounts: [{ name: 'v', mountPath }] }),
      /volumeMounts\[0\]: must not be mounted over/,
      'must not be mounted over',
    ),
  ),
  invalid(
    'two mounts at one path',
    ofWorkers({
      volumes: [{ name: 'v', emptyDir: {} }],
      volumeMounts: [
        { name: 'v', mountPath: '/v' },
        { name: 'v', mountPath: '/v' },
      ],
    }),
    /volumeMounts: must not repeat a mountPath/,
  ),
  ...['../a', '/a', 'a/../b'].map((subPath) =>
    invalid(
      `the subPath ${subPath} of a volume`,
      ofWorkers({ volumes: [{ name: 'v', emptyDir: {} }], volumeMounts: [{ name: 'v', mountPath: '/v', subPath }] }),
      /subPath: (expected )?a relative path/,
    ),
  ),
  ...['V', 'a.b', 'a_b', '', 'v'.repeat(64)].map((name) =>
    invalid(
      `a volume called ${name.slice(0, 9)}`,
      ofWorkers({ volumes: [{ name, emptyDir: {} }] }),
      /volumes\[0\]\.name: expected/,
    ),
  ),
  invalid(
    "a volume called like the operator's",
    ofWorkers({ volumes: [{ name: 'downpour-tmp', emptyDir: {} }] }),
    /volumes\[0\]: must leave names that begin with downpour-/,
    'must leave names that begin with downpour-',
  ),
  ...['a b', '-a', 'a/b/c', '/a', 'a/', 'A.com/b', 'k'.repeat(64), 'ü', ''].map((key) =>
    invalid(
      `a label called ${JSON.stringify(key.slice(0, 9))}`,
      ofWorkers({ labels: { [key]: 'x' } }),
      /labels: must have keys such as/,
      'must have keys such as',
    ),
  ),
  ...['a b', '-a', 'v'.repeat(64), 'ü'].map((value) =>
    invalid(
      `a label with the value ${JSON.stringify(value.slice(0, 9))}`,
      ofWorkers({ labels: { team: value } }),
      /labels\.team: expected a (label|text of at most 63)/,
    ),
  ),
  ...['downpour.dev/role', 'downpour.dev/anything', 'app.kubernetes.io/managed-by'].flatMap((key) => [
    invalid(
      `the label ${key}`,
      ofWorkers({ labels: { [key]: 'x' } }),
      /labels: must leave .* to the operator/,
      'must leave',
    ),
    invalid(
      `the annotation ${key}`,
      ofWorkers({ annotations: { [key]: 'x' } }),
      /annotations: must leave .* to the operator/,
      'must leave',
    ),
  ]),
  invalid('a number as a label', ofWorkers({ labels: { team: 42 } }), /labels\.team: expected a text/),
  invalid('a node selector without a key', ofWorkers({ nodeSelector: { '': 'x' } }), /nodeSelector: must have keys/),
  invalid(
    'a node selector that is a number',
    ofWorkers({ nodeSelector: { disk: 1 } }),
    /nodeSelector\.disk: expected a text/,
  ),
  invalid(
    'more than 64 labels',
    ofWorkers({ labels: Object.fromEntries(Array.from({ length: 65 }, (_, i) => [`l${i}`, 'x'])) }),
    /labels: must have at most 64 entries/,
  ),
  invalid(
    'an empty toleration',
    ofWorkers({ tolerations: [{}] }),
    /tolerations\[0\]: must have operator: Exists/,
    'must have operator: Exists',
  ),
  invalid(
    'a toleration with operator Exists and a value',
    ofWorkers({ tolerations: [{ key: 'a', operator: 'Exists', value: 'b' }] }),
    /tolerations\[0\]: must have no value/,
    'must have no value with operator: Exists',
  ),
  invalid(
    'tolerationSeconds without effect NoExecute',
    ofWorkers({ tolerations: [{ key: 'a', effect: 'NoSchedule', tolerationSeconds: 5 }] }),
    /tolerations\[0\]: must have effect: NoExecute/,
    'must have effect: NoExecute',
  ),
  invalid(
    'a toleration with an unknown operator',
    ofWorkers({ tolerations: [{ key: 'a', operator: 'In' }] }),
    /operator: expected one of/,
  ),
  invalid(
    'a toleration with an unknown effect',
    ofWorkers({ tolerations: [{ key: 'a', effect: 'Never' }] }),
    /effect: expected one of/,
  ),
  ...['0.5', '500m', '1e-1', 1.5].map((gpus) =>
    invalid(
      `${gpus} of a GPU`,
      ofWorkers({ resources: { limits: { 'nvidia.com/gpu': gpus } } }),
      /must ask for whole devices|expected/,
    ),
  ),
  invalid(
    'a GPU that is requested without a limit',
    ofWorkers({ resources: { requests: { 'nvidia.com/gpu': 1 } } }),
    /resources: must have a limit equal to the request/,
    'must have a limit equal to the request',
  ),
  invalid(
    'fewer GPUs requested than the limit',
    ofWorkers({ resources: { requests: { 'nvidia.com/gpu': 1 }, limits: { 'nvidia.com/gpu': '2' } } }),
    /resources: must have a limit equal to the request/,
    'must have a limit equal to the request',
  ),
  ...[
    ['cpu', '2', '1500m'],
    ['memory', '1Gi', '1G'],
    ['memory', '1e10', '9Gi'],
    ['ephemeral-storage', '2Gi', '2047Mi'],
  ].map(([name = '', request, limit]) =>
    invalid(
      `${request} of ${name} requested where ${limit} is the limit`,
      ofWorkers({ resources: { requests: { [name]: request }, limits: { [name]: limit } } }),
      /resources: must not request more than the limit/,
      'must not request more than the limit',
    ),
  ),
  ...[
    'gpu',
    'CPU',
    'storage',
    'hugepages-',
    'hugepages-2M',
    'requests.nvidia.com/gpu',
    'a/b/c',
    '/gpu',
    'nvidia.com/',
  ].map((name) =>
    invalid(
      `a resource called ${name}`,
      ofWorkers({ resources: { limits: { [name]: 1 } } }),
      /limits: must name resources/,
      'must name resources',
    ),
  ),
  ...['4GB', '1,5', ' 1', '1 ', 'NaN', '0x10', '1e', '--1', '', '²'].map((cpu) =>
    invalid(
      `${JSON.stringify(cpu)} as a quantity`,
      ofWorkers({ resources: { limits: { cpu } } }),
      /limits\.cpu: expected a quantity such as/,
    ),
  ),
  invalid(
    'half a huge page',
    ofWorkers({ resources: { limits: { cpu: 1, 'hugepages-2Mi': '3Mi' } } }),
    /must ask for whole huge pages/,
    'must ask for whole huge pages',
  ),
  invalid(
    'huge pages alone',
    ofWorkers({ resources: { limits: { 'hugepages-2Mi': '4Mi' } } }),
    /resources: must have cpu or memory besides/,
    'must have cpu or memory besides huge pages',
  ),
  invalid(
    'a seccomp profile that is not named',
    ofWorkers({ securityContext: { seccompProfile: { type: 'Localhost' } } }),
    /seccompProfile: must have a localhostProfile/,
    'must have a localhostProfile exactly when type is Localhost',
  ),
  invalid(
    'a service account in capitals',
    ofWorkers({ serviceAccountName: 'Default' }),
    /serviceAccountName: expected lower/,
  ),
  ...['', ' ', ' a', 'a b', 'a\n'].map((image) =>
    invalid(
      `the image ${JSON.stringify(image)}`,
      pretrain({ runtime: { image } }),
      /runtime\.image: expected the name of an image/,
    ),
  ),
  invalid(
    'a queue name that is too long for a label',
    pretrain({ scheduling: { queueName: 'q'.repeat(64) } }),
    /queueName: expected/,
  ),
  invalid(
    'an integer beyond 32 bits',
    pretrain({ checkpoint: checkpoint(), maxNonFinite: 2 ** 31 }),
    /maxNonFinite: expected a number of at most/,
  ),
  {
    name: 'an unknown field beside spec',
    job: { ...pretrain(), spex: {} } as RawJob,
    issue: /^spex: unknown field; did you mean spec\?/,
  },
]

const BROKEN_RULES: readonly JobCase[] = [
  invalid(
    'a propagated label of the operator',
    pretrain({ propagate: { labels: ['team', 'downpour.dev/role'] } }),
    /^spec\.propagate\.labels: must leave app.kubernetes.io\/managed-by and keys of downpour.dev/,
    'to the operator',
  ),
  invalid(
    'the propagated label managed-by',
    finetune({ propagate: { labels: ['app.kubernetes.io/managed-by'] } }),
    /^spec\.propagate\.labels: must leave/,
    'to the operator',
  ),
  invalid(
    "the propagated annotation of kubectl's last-applied-configuration",
    pretrain({ propagate: { annotations: ['kubectl.kubernetes.io/last-applied-configuration'] } }),
    /^spec\.propagate\.annotations: must not hold kubectl/,
    'must not hold',
  ),
  invalid(
    'an unknown resize filter',
    pretrain({ input: { resizeFilter: 'cubic' } }),
    /^spec\.input\.resizeFilter: expected one of lanczos3, linear/,
  ),
  invalid(
    'a crop larger than resizePixels',
    pretrain({ input: { resizePixels: 32, cropPixels: 36 } }),
    /^spec\.input\.cropPixels: must not be larger/,
    'must not be larger than resizePixels',
  ),
  invalid(
    'a long side below the short side of the preset',
    finetune({ preset: 'coco-detection', data: COCO, evaluation: { data: COCO }, input: { longSidePixels: 512 } }),
    /^spec\.input\.longSidePixels: must not be smaller than shortSidePixels/,
    'must not be smaller than shortSidePixels',
  ),
  valid(
    'smaller sides than those of the preset',
    finetune({
      preset: 'coco-detection',
      data: COCO,
      evaluation: { data: COCO },
      input: { shortSidePixels: 320, longSidePixels: 512 },
    }),
  ),
  invalid(
    'random factors of a crop in the wrong order',
    finetune({
      preset: 'coco-pose',
      data: COCO,
      evaluation: { data: COCO },
      input: { minCropScale: 1.25, maxCropScale: 1.2 },
    }),
    /^spec\.input\.minCropScale: must not be larger than maxCropScale/,
    'must not be larger than maxCropScale',
  ),
  invalid(
    'a factor of a crop above the largest by default',
    finetune({ preset: 'coco-pose', data: COCO, evaluation: { data: COCO }, input: { minCropScale: 1.75 } }),
    /^spec\.input\.minCropScale: must not be larger than maxCropScale/,
    'must not be larger than maxCropScale',
  ),
  invalid(
    'a dilation rate twice',
    finetune({ ...MASKS, task: { type: 'voc-segmentation', rates: [6, 12, 6] } }),
    /^spec\.task\.rates: must not repeat a rate/,
    'must not repeat a rate',
  ),
  invalid(
    'a mini backbone with the stride that the task has by default',
    finetune({ ...MASKS, task: { type: 'voc-segmentation' }, model: { backbone: 'resnet-mini' } }),
    /^spec\.task\.outputStride: must be 4 with resnet-mini/,
    'must be 4 with resnet-mini',
  ),
  invalid(
    'a mini backbone with the stride of the preset',
    finetune({ preset: 'coco-pose', data: COCO, evaluation: { data: COCO }, model: { backbone: 'resnet-mini' } }),
    /^spec\.task\.outputStride: must be 4 with resnet-mini/,
    'must be 4 with resnet-mini',
  ),
  valid(
    'a mini backbone with its own stride',
    finetune({ ...MASKS, task: { type: 'voc-segmentation', outputStride: 4 }, model: { backbone: 'resnet-mini' } }),
  ),
  valid(
    'the preset of a mini pose network',
    finetune({ preset: 'coco-pose-mini', data: COCO, evaluation: { data: COCO } }),
  ),
  invalid(
    'a maximum over more than the crop',
    finetune({
      preset: 'coco-detection',
      data: COCO,
      evaluation: { data: COCO },
      task: { type: 'coco-detection', classes: 3, cropSize: 1 },
    }),
    /^spec\.task\.cropPool: must not be larger than cropSize/,
    'must not be larger than cropSize',
  ),
  valid('as many classes as a mask can have', finetune({ ...MASKS, task: { type: 'voc-segmentation', classes: 255 } })),
  invalid(
    'more classes than a mask can have',
    finetune({ ...MASKS, task: { type: 'voc-segmentation', classes: 256 } }),
    /^spec\.task\.classes: expected a number of at most 255/,
    'expected at most 255 for type voc-segmentation',
  ),
  invalid(
    'frozen batch norm of random weights, in pre-training',
    pretrain({ batchNorm: { mode: 'frozen' } }),
    /^spec\.batchNorm\.mode: frozen needs the statistics of pre-trained weights: without from/,
    'without from, choose calibrated or trained',
  ),
  valid(
    'frozen batch norm of a source, in pre-training',
    pretrain({ batchNorm: { mode: 'frozen' }, from: { pretrainJob: 'imagenet' } }),
  ),
  invalid('as many learning rates as boundaries', piecewise([10], [0.1]), /values: must have one/, 'one value more'),
  invalid(
    'falling boundaries',
    piecewise([20, 10], [1, 0.1, 0.01]),
    /boundaries: must be in ascending order/,
    'must be in ascending order',
  ),
  invalid(
    'a repeated boundary',
    piecewise([10, 10], [1, 0.1, 0.01]),
    /boundaries: must be in ascending order/,
    'must be in ascending order',
  ),
  invalid(
    'more head slices than classes',
    pretrain({ task: { classes: 5, headSlices: 6 } }),
    /headSlices: must not be larger than classes/,
    'must not be larger than classes',
  ),
  invalid(
    'a quorum larger than the number of workers',
    pretrain({ workers: { replicas: 2, quorum: 3 } }),
    /quorum: must not be larger than replicas/,
    'must not be larger than replicas',
  ),
  invalid('no process in a pod', pretrain({ workers: { perPod: 0 } }), /perPod: expected a number of at least 1/),
  invalid(
    'more processes in a pod than a node has GPUs',
    pretrain({ workers: { perPod: 17 } }),
    /perPod: expected a number of at most 16/,
  ),
  ...(
    [
      [2, { 'nvidia.com/gpu': 8 }],
      [8, { 'nvidia.com/gpu': '2' }],
      [1, { 'nvidia.com/gpu.shared': 4 }],
      [2, { 'nvidia.com/mig-1g.10gb': 1 }],
    ] as const
  ).map(([perPod, gpus]) =>
    invalid(
      `${perPod} processes and ${JSON.stringify(gpus)}`,
      ofGpus(perPod, gpus),
      /workers.perPod: must be the number of GPUs in workers.template.resources.limits/,
      'must be the number of GPUs in workers.template.resources.limits',
    ),
  ),
  invalid(
    'processes for GPUs that WebGPU cannot tell apart',
    pretrain({ ...ofGpus(2, { 'nvidia.com/gpu': 2 }).spec, runtime: { backend: 'webgpu' } }),
    /workers.perPod: must be 1 with runtime.backend: webgpu/,
    'must be 1 with runtime.backend: webgpu',
  ),
  invalid(
    'checkpoints by steps and by minutes',
    pretrain({ checkpoint: checkpoint({ everySteps: 5, everyMinutes: 5 }) }),
    /everyMinutes: cannot be given together/,
    'cannot be given together with everySteps',
  ),
  invalid(
    'a warm start as long as the job',
    pretrain({ maxSteps: 10, async: { warmStartSteps: 10 } }),
    /warmStartSteps: must be smaller/,
    'must be smaller than maxSteps',
  ),
  invalid(
    'as many backups as workers',
    pretrain({ workers: { replicas: 3 }, async: { policy: { type: 'syncBackup', backups: 3 } } }),
    /policy.backups: must be smaller than workers.replicas/,
    'must be smaller than workers.replicas',
  ),
  invalid(
    'backups for the only worker of a job that sets no number',
    pretrain({
      preset: undefined,
      task: { classes: 5 },
      maxSteps: 10,
      async: { policy: { type: 'syncBackup', backups: 1 } },
    }),
    /policy.backups: must be smaller than workers.replicas/,
    'must be smaller than workers.replicas',
  ),
  invalid(
    'synchronous updates of workers that push twice on the same weights',
    pretrain({ async: { fetchEvery: 4, pushEvery: 2, policy: { type: 'syncBackup', backups: 1 } } }),
    /fetchEvery: must not be larger than pushEvery with syncBackup/,
    'must not be larger than pushEvery with syncBackup',
  ),
  ...[{ type: 'syncBackup', backups: 1 }, { type: 'boundedDelay', maxDelay: 1 }, { type: 'dcAsgd' }].map((policy) =>
    invalid(
      `prefetched weights with ${policy.type}`,
      pretrain({ async: { prefetch: true, policy } }),
      /async.prefetch: must be false with boundedDelay and syncBackup/,
      'must be false with boundedDelay and syncBackup',
    ),
  ),
  invalid(
    'an unknown compression',
    pretrain({ async: { compression: 'fp8' } }),
    /^spec\.async\.compression: expected one of none, fp16, bf16, int8/,
  ),
  invalid(
    'a bounded delay without its bound',
    pretrain({ async: { policy: { type: 'boundedDelay' } } }),
    /policy.maxDelay/,
    'needs maxDelay',
  ),
  invalid(
    'an exit code both permanent and retryable',
    pretrain({ failurePolicy: { permanentExitCodes: [7, 8], retryableExitCodes: [8] } }),
    /retryableExitCodes: must not contain/,
    'must not contain a code of permanentExitCodes',
  ),
  invalid(
    'a queue for a scheduler without queues',
    pretrain({ scheduling: { gang: 'coscheduling', queueName: 'team-a' } }),
    /^spec\.scheduling\.queueName: cannot be given together/,
    'cannot be given together with gang: coscheduling',
  ),
  invalid(
    'a transfer without a time',
    pretrain({ transfers: [transfer({ at: {} })] }),
    /must each have at/,
    'at.success: true',
  ),
  invalid(
    'a transfer at a step beyond maxSteps',
    pretrain({ maxSteps: 10, transfers: [transfer({ at: { steps: [11] } })] }),
    /beyond maxSteps/,
    'must not name a step beyond maxSteps',
  ),
  invalid(
    'a transfer whose FinetuneJob gets too long a name',
    pretrain({ transfers: [transfer({ name: 'b'.repeat(20) })] }, 'a'.repeat(20)),
    /^spec\.transfers: makes a FinetuneJob .*more than 40/,
    'more than 40 characters',
  ),
  invalid(
    'a transfer whose step makes the name of its FinetuneJob too long',
    pretrain({ transfers: [transfer({ name: 'b'.repeat(18), at: { steps: [10] } })] }, 'a'.repeat(20)),
    /more than 40/,
    'more than 40 characters',
  ),
  invalid(
    'a FinetuneJob without a source',
    finetune({ from: undefined }),
    /^spec\.from: is required unless/,
    'is required unless init is random',
  ),
  ...[finetune, pretrain].flatMap((make) => [
    invalid(
      `a ${make().kind} from neither a job nor a volume`,
      make({ from: {} }),
      /^spec\.from: must have either pretrainJob.* or volume/,
      'must have either pretrainJob',
    ),
    invalid(
      `a ${make().kind} from both a job and a volume`,
      make({ from: { pretrainJob: 'x', volume: claim('weights') } }),
      /^spec\.from: must have either pretrainJob.* or volume/,
      'must have either pretrainJob',
    ),
    invalid(
      `a ${make().kind} from a volume with the checkpoint of a job`,
      make({ from: { volume: claim('weights'), checkpoint: 'latest' } }),
      /^spec\.from: cannot have checkpoint or step together with volume/,
      'cannot have checkpoint or step together with volume',
    ),
  ]),
  invalid(
    'a source volume with a step',
    finetune({ from: { volume: claim('weights'), checkpoint: 'step', step: 5 } }),
    /^spec\.from: cannot have checkpoint or step together with volume/,
    'cannot have checkpoint or step together with volume',
  ),
  invalid(
    'a checkpoint without its job',
    finetune({ from: { checkpoint: 'best' } }),
    /^spec\.from: must have either pretrainJob/,
    'must have either pretrainJob',
  ),
  invalid(
    'a source volume without a claim',
    finetune({ from: { volume: { path: 'imagenet' } } }),
    /^spec\.from\.volume\.claimName: required/,
  ),
  invalid(
    'a source path that leaves its volume',
    finetune({ from: { volume: claim('weights', '../x') } }),
    /^spec\.from\.volume\.path: expected a relative path/,
  ),
  invalid(
    'a random FinetuneJob from a volume',
    finetune({ init: 'random', from: { volume: claim('weights') } }),
    /^spec\.from: cannot be given together with init: random/,
    'cannot be given together with init: random',
  ),
  invalid(
    'a source step without checkpoint: step',
    finetune({ from: { pretrainJob: 'jft', step: 5 } }),
    /from\.step: must be given exactly/,
    'must be given exactly when checkpoint is step',
  ),
  invalid(
    'checkpoint: step without a source step',
    finetune({ from: { pretrainJob: 'jft', checkpoint: 'step' } }),
    /from\.step: must be given exactly/,
    'must be given exactly when checkpoint is step',
  ),
  invalid(
    'frozen random weights',
    finetune({ from: undefined, protocol: 'frozen', init: 'random' }),
    /protocol: frozen needs/,
    'init cannot be random',
  ),
  invalid(
    'frozen stages of random weights',
    finetune({ from: undefined, freeze: { type: 'stages', stages: 2 }, init: 'random' }),
    /freeze: needs pre-trained/,
    'everything must train',
  ),
  invalid(
    'more frozen stages than resnet-mini has',
    finetune({ model: { backbone: 'resnet-mini' }, freeze: { type: 'stages', stages: 5 } }),
    /freeze\.stages: .*4 with resnet-mini/,
    'its root and its blocks',
  ),
  invalid(
    'frozen statistics of random weights',
    finetune({ from: undefined, init: 'random', batchNorm: { mode: 'frozen' } }),
    /batchNorm\.mode: .*choose calibrated or trained/,
    'choose calibrated or trained',
  ),
  invalid(
    'frozen random weights in a transfer',
    pretrain({ transfers: [transfer({}, { protocol: 'frozen', init: 'random' })] }),
    /^spec\.transfers\[0\]\.template\.protocol: frozen needs/,
    'init cannot be random',
  ),
  invalid('no maxSteps', pretrain({ preset: 'jft-mini' }), /^spec\.maxSteps: required/, 'maxSteps is required'),
  invalid(
    'no task',
    pretrain({ preset: undefined, maxSteps: 9 }),
    /^spec\.task: required/,
    'task is required: no preset sets it',
  ),
  invalid(
    'no classes',
    pretrain({ preset: undefined, task: {}, maxSteps: 9 }),
    /^spec\.task\.classes: required/,
    'type multi-label needs classes',
  ),
  invalid(
    'an unknown task',
    pretrain({ task: { type: 'horoscope' } }),
    /^spec\.task\.type: expected one of multi-label/,
  ),
  invalid('a task that is a string', finetune({ task: 'imagenet-classification' }), /^spec\.task: expected an object/),
  invalid(
    'a task of the other kind of job',
    finetune({ task: { type: 'multi-label', classes: 9 } }),
    /^spec\.task\.type: expected one of imagenet-classification, object-count/,
  ),
  invalid(
    'an option of another task',
    pretrain({ task: { type: 'object-count', classes: 9 } }),
    /^spec\.task\.classes: unknown field$/,
    'type object-count has no classes, headSlices',
  ),
  invalid(
    'a FinetuneJob task without a type',
    finetune({ task: { classes: 9 } }),
    /^spec\.task\.type: required: one of imagenet-classification/,
  ),
  invalid(
    'data whose format lacks the targets of the task',
    pretrain({ task: { type: 'object-count' }, data: { source: claim('jft'), format: 'imagenet-folder' } }),
    /^spec\.data\.format: must be a format that carries what the task learns/,
    'must be a format that carries what the task learns',
  ),
  invalid(
    'evaluation data whose format lacks the targets of the task',
    pretrain({
      task: { type: 'object-count' },
      evaluation: { data: data({ source: claim('jft', 'val'), format: 'imagenet-folder' }) },
    }),
    /^spec\.evaluation\.data\.format: must be a format that carries what the task learns/,
    'must be a format that carries what the task learns',
  ),
  invalid(
    'a metric that the task does not have',
    pretrain({ evaluation: { data: data({ source: claim('jft', 'val') }), metric: 'top1' } }),
    /^spec\.evaluation\.metric: must be a metric of the task/,
    'must be a metric of the task',
  ),
  invalid(
    'a quorum larger than the number of workers in the preset',
    pretrain({ workers: { quorum: 51 } }),
    /quorum: must not be larger than replicas/,
    'must not be larger than replicas',
  ),
  invalid(
    'a crop larger than resizePixels of the preset',
    pretrain({ input: { cropPixels: 341 } }),
    /cropPixels: must not be larger than resizePixels/,
    'must not be larger than resizePixels',
  ),
  invalid(
    'fewer classes than head slices',
    finetune({ task: { type: 'imagenet-classification', classes: 49, headSlices: 50 } }),
    /headSlices: must not be larger than classes/,
    'must not be larger than classes',
  ),
  invalid(
    'a warm start as long as maxSteps of the preset',
    pretrain({ async: { warmStartSteps: 36_000_000 } }),
    /warmStartSteps: must be smaller/,
    'must be smaller than maxSteps',
  ),
  invalid(
    'a transfer at a step beyond maxSteps of the preset',
    pretrain({ transfers: [transfer({ at: { steps: [36_000_001] } })] }),
    /beyond maxSteps/,
    'must not name a step beyond maxSteps',
  ),
  invalid(
    'a PretrainJob that starts from itself',
    pretrain({ from: { pretrainJob: 'jft' } }),
    /^spec\.from\.pretrainJob: must name another/,
    'must name another PretrainJob',
  ),
  invalid(
    'a PretrainJob with checkpoint: step and no source step',
    pretrain({ from: { pretrainJob: 'imagenet', checkpoint: 'step' } }),
    /^spec\.from\.step: must be given exactly/,
    'must be given exactly when checkpoint is step',
  ),
  invalid(
    'random weights and a source',
    finetune({ init: 'random' }),
    /^spec\.from: cannot be given together with init: random/,
    'cannot be given together with init: random',
  ),
  invalid(
    'two transfers whose FinetuneJobs get the same name',
    pretrain({ transfers: [transfer({ name: 'a', at: { steps: [5] } }), transfer({ name: 'a-5' })] }),
    /^spec\.transfers: makes two FinetuneJobs/,
    'makes two FinetuneJobs of one name',
  ),
]

export const JOB_CASES: readonly JobCase[] = [
  ...VALID,
  ...INVALID_TYPES,
  ...UNSAFE_PODS,
  ...INVALID_PODS,
  ...BROKEN_RULES,
]

export interface ChangeCase {
  name: string
  before: RawJob
  after: RawJob
  /** The field that may not change; absent if the change is accepted. */
  field?: string
  /** The message, if it differs from that of immutable fields. */
  message?: string
}

const queued = (over: Fields = {}) => pretrain({ scheduling: { queueName: 'team-a' }, ...over })
const RUNNING = 'cannot change while the job runs; suspend it first'
const COUNTED = 'cannot change while Kueue counts the pods of the job; suspend it first'

/** The number of workers in the preset of `pretrain()`. */
const FIFTY = { workers: { replicas: 50 } }

export const CHANGE_CASES: readonly ChangeCase[] = [
  { name: 'the model', before: pretrain(), after: pretrain({ model: { backbone: 'resnet50' } }), field: 'model' },
  {
    name: 'the variant of the model',
    before: finetune({ model: { variant: 'slim' } }),
    after: finetune({ model: { variant: 'torchvision' } }),
    field: 'model',
  },
  {
    name: 'the task',
    before: pretrain({ task: { classes: 5 } }),
    after: pretrain({ task: { classes: 6 } }),
    field: 'task',
  },
  {
    name: 'the type of a task from its default to the same value',
    before: pretrain({ task: { classes: 5 } }),
    after: pretrain({ task: { type: 'multi-label', classes: 5 } }),
  },
  { name: 'the seed', before: pretrain({ seed: 1 }), after: pretrain({ seed: 2 }), field: 'seed' },
  { name: 'the preset', before: pretrain(), after: pretrain({ preset: 'jft-resnet50' }), field: 'preset' },
  { name: 'the source', before: finetune(), after: finetune({ from: { pretrainJob: 'other' } }), field: 'from' },
  {
    name: 'the checkpoint of a source to its default',
    before: finetune(),
    after: finetune({ from: { pretrainJob: 'jft', checkpoint: 'latest' } }),
  },
  {
    name: 'the checkpoint of a source, which an earlier version stored, to none',
    before: pretrain({ from: { pretrainJob: 'x', checkpoint: 'latest' } }),
    after: pretrain({ from: { pretrainJob: 'x' } }),
  },
  {
    name: 'the checkpoint of a source to another',
    before: finetune(),
    after: finetune({ from: { pretrainJob: 'jft', checkpoint: 'best' } }),
    field: 'from',
  },
  {
    name: 'the folder of a source',
    before: pretrain({ from: { volume: claim('weights', 'a') } }),
    after: pretrain({ from: { volume: claim('weights', 'b') } }),
    field: 'from',
  },
  {
    name: 'a source job to a volume',
    before: finetune(),
    after: finetune({ from: { volume: claim('weights') } }),
    field: 'from',
  },
  {
    name: 'a source to none',
    before: pretrain({ from: { volume: claim('weights') } }),
    after: pretrain(),
    field: 'from',
  },
  { name: 'the protocol', before: finetune(), after: finetune({ protocol: 'frozen' }), field: 'protocol' },
  {
    name: 'the frozen stages',
    before: finetune({ freeze: { type: 'stages', stages: 1 } }),
    after: finetune({ freeze: { type: 'stages', stages: 2 } }),
    field: 'freeze',
  },
  {
    name: 'the mode of batch norm',
    before: finetune({ batchNorm: { mode: 'frozen' } }),
    after: finetune({ batchNorm: { mode: 'calibrated' } }),
    field: 'batchNorm.mode',
  },
  {
    name: 'the decay of batch norm',
    before: finetune({ batchNorm: { mode: 'frozen' } }),
    after: finetune({ batchNorm: { mode: 'frozen', decay: 0.5 } }),
  },
  { name: 'the number of workers', before: pretrain(), after: pretrain({ workers: { replicas: 3 } }) },
  { name: 'the length', before: pretrain(), after: pretrain({ maxSteps: 90_000_000 }) },
  { name: 'the queue', before: queued(), after: pretrain(), field: 'scheduling', message: RUNNING },
  { name: 'the queue, while suspended', before: pretrain({ suspend: true }), after: queued({ suspend: true }) },
  { name: 'the queue, on resuming', before: queued({ suspend: true }), after: pretrain() },
  {
    name: 'the number of workers in a queue',
    before: queued({ workers: { replicas: 5 } }),
    after: queued({ workers: { replicas: 6 } }),
    field: 'workers.replicas',
    message: COUNTED,
  },
  {
    name: 'the number of parameter servers in a queue',
    before: queued(),
    after: queued({ parameterServer: { replicas: 6 } }),
    field: 'parameterServer.replicas',
    message: COUNTED,
  },
  { name: 'the number of workers in a queue to that of the preset', before: queued(), after: queued(FIFTY) },
  { name: 'the number of workers in a queue from that of the preset to none', before: queued(FIFTY), after: queued() },
  {
    name: 'the number of workers in a queue to another than that of the preset',
    before: queued(),
    after: queued({ workers: { replicas: 49 } }),
    field: 'workers.replicas',
    message: COUNTED,
  },
  {
    name: 'the number of workers in a queue together with suspend',
    before: queued({ workers: { replicas: 5 } }),
    after: queued({ workers: { replicas: 6 }, suspend: true }),
  },
  {
    name: 'the number of workers in a gang',
    before: pretrain({ scheduling: { gang: 'volcano', queueName: 'q' }, workers: { replicas: 5 } }),
    after: pretrain({ scheduling: { gang: 'volcano', queueName: 'q' }, workers: { replicas: 6 } }),
  },
  { name: 'suspend', before: finetune(), after: finetune({ suspend: true }) },
]
