/** Jobs that are right or wrong in one way: what `downpour validate`, the CRDs and a real API server must agree on. */
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
  /** Issue of `validateJob`: `path: message`; absent when the job is right. */
  issue?: RegExp
  /** What the API server's answer must hold where it refuses by CEL; else refusal is all that is asked. */
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

const right = (name: string, job: RawJob): JobCase => ({ name, job })
const wrong = (name: string, job: RawJob, issue: RegExp, cel?: string): JobCase => ({
  name,
  job,
  issue,
  ...(cel ? { cel } : {}),
})
const ofWorkers = (template: Fields) => pretrain({ workers: { template } })
const piecewise = (boundaries: number[], values: number[]) =>
  pretrain({ learningRate: { type: 'piecewise', boundaries, values } })

const RIGHT: readonly JobCase[] = [
  right('ids of pods left to the platform', pretrain({ runtime: { podIds: 'platform' } })),
  right(
    'labels and annotations to hand on, also of tools',
    pretrain({ propagate: { labels: ['team', 'app.kubernetes.io/instance'], annotations: ['Example.com/owner'] } }),
  ),
  right('a lost node that is given up', finetune({ failurePolicy: { lostNodeSeconds: 600 } })),
  ...['jft-resnet101', 'jft-resnet50', 'jft-resnet152', 'imagenet-baseline'].map((preset) =>
    right(`preset ${preset} with nothing but data and a place for checkpoints`, pretrain({ preset })),
  ),
  right('preset jft-mini with steps', pretrain({ preset: 'jft-mini', maxSteps: 5 })),
  right('a task in place of that of the preset', pretrain({ task: { type: 'multi-label', classes: 9 } })),
  right('a preset of another task', pretrain({ preset: 'object-count-mini', maxSteps: 5 })),
  right('a task of a PretrainJob without its type', pretrain({ task: { classes: 9, headSlices: 3 } })),
  right(
    'classes that exclude each other, and the metric for them',
    pretrain({
      task: { type: 'imagenet-classification', classes: 9 },
      evaluation: { data: data({ source: claim('jft', 'val') }), metric: 'top5' },
    }),
  ),
  right('a FinetuneJob without a preset', finetune({ preset: undefined, task: CLASSIFICATION, maxSteps: 5 })),
  right('a FinetuneJob of the latest checkpoint', finetune()),
  right('a FinetuneJob of one step', finetune({ from: { pretrainJob: 'jft', checkpoint: 'step', step: 7 } })),
  right('a baseline without a source', finetune({ from: undefined, init: 'random' })),
  right('no preset, every number given', pretrain({ preset: undefined, task: { classes: 5 }, maxSteps: 10 })),
  right('another optimizer than the preset has', pretrain({ optimizer: { type: 'momentum', momentum: 0.9 } })),
  right('a PretrainJob that starts from another one', pretrain({ from: { pretrainJob: 'imagenet' } })),
  right('some of the labels', pretrain({ data: data({ labelSubset: { names: ['dog', 'cat'] } }) })),
  right(
    'the images of some labels with all labels',
    pretrain({ data: data({ labelSubset: { names: ['dog'], keepOtherLabels: true } }) }),
  ),
  right('Adam', pretrain({ optimizer: { type: 'adam', beta1: 0.9, beta2: 0.999, epsilon: 1e-8 } })),
  right('delay compensation with its default', pretrain({ async: { policy: { type: 'dcAsgd' } } })),
  right('delay compensation', pretrain({ async: { policy: { type: 'dcAsgd', delayCompensation: 0.1 } } })),
  right('a policy without fields', pretrain({ async: { policy: { type: 'lrOverStaleness' } } })),
  right('rising boundaries with one value more', piecewise([10, 20], [0.1, 0.01, 0.001])),
  right(
    'transfers at steps and at the end',
    pretrain({ transfers: [transfer({ at: { success: true, steps: [5, 9] } })] }),
  ),
  right('a baseline among the transfers', pretrain({ transfers: [transfer({}, { init: 'random' })] })),
  right('paths with dots that do not climb', pretrain({ data: data({ source: claim('jft', './.hidden/a..b/...') }) })),
  right('a pattern of shards', pretrain({ data: data({ files: 'train-?????-of-*' }) })),
  right(
    'quantities as text and as number',
    pretrain({ workers: { template: { resources: { limits: { cpu: 2, memory: '4Gi', 'nvidia.com/gpu': '1' } } } } }),
  ),
  right(
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
  right(
    'a volume of every source that level restricted knows',
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
  right(
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
  right('a queue of Kueue', pretrain({ scheduling: { queueName: 'team-a', priorityClassName: 'high' } })),
  right('a gang in a queue of Volcano', finetune({ scheduling: { gang: 'volcano', queueName: 'team-a' } })),
  right('a gang of coscheduling', pretrain({ scheduling: { gang: 'coscheduling', schedulerName: 'gangs' } })),
  right('a name that begins with a letter and ends with a digit', pretrain({}, 'a-50')),
  right(
    'variables of every source',
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
  right(
    'mounts of one volume in two places',
    ofWorkers({
      volumes: [{ name: 'v', emptyDir: {} }],
      volumeMounts: [
        { name: 'v', mountPath: '/my data/.cache/..a', subPath: 'a/.b' },
        { name: 'v', mountPath: '/w', readOnly: true, recursiveReadOnly: 'IfPossible', mountPropagation: 'None' },
        { name: 'v', mountPath: '/x', subPathExpr: '$(POD)', mountPropagation: 'HostToContainer' },
      ],
    }),
  ),
  right(
    'labels, annotations and a node selector with domains',
    ofWorkers({
      labels: { team: '', 'example.com/Team_1': 'a.b-C', ['k'.repeat(63)]: 'v'.repeat(63) },
      annotations: { 'Example.com/note': 'any text\n', 'kueue.x-k8s.io/podset-required-topology': 'rack' },
      nodeSelector: { 'kubernetes.io/arch': 'amd64' },
    }),
  ),
  right(
    'tolerations of every kind',
    ofWorkers({
      tolerations: [
        { operator: 'Exists' },
        { key: 'a', operator: 'Equal', value: 'b', effect: 'NoExecute', tolerationSeconds: 60 },
        { key: 'example.com/a', value: '', effect: 'PreferNoSchedule' },
      ],
    }),
  ),
  right(
    'requests below limits, devices and huge pages in both',
    ofWorkers({
      resources: {
        requests: { cpu: '500m', memory: '1e9', 'nvidia.com/gpu': '1', 'hugepages-2Mi': '4Mi' },
        limits: { cpu: 1, memory: '1Gi', 'nvidia.com/gpu': 1, 'hugepages-2Mi': '4096Ki', 'rdma/hca': '1k' },
      },
    }),
  ),
  right('a name of 40 characters', pretrain({}, 'a'.repeat(40))),
  right(
    'null for fields that there are, also of another type, in maps and in entries of lists',
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
  right(
    'as many annotations as there may be, each as long as it may be',
    ofWorkers({
      annotations: Object.fromEntries(Array.from({ length: 48 }, (_, i) => [`a${i}`, '😀'.repeat(1024)])),
    }),
  ),
]

const WRONG_TYPES: readonly JobCase[] = [
  ...[
    ['of no field', { nothing: null }, /^spec\.nothing: unknown field/],
    ['as an entry of a list', { failurePolicy: { retryableExitCodes: [null] } }, /retryableExitCodes\[0\]: expected/],
    ['as a transfer', { transfers: [null] }, /^spec\.transfers\[0\]: expected an object/],
    ['of no field of a variable', { workers: { template: { env: [{ name: 'A', foo: null }] } } }, /foo: unknown field/],
    ['for what must be', { data: null }, /^spec\.data: required/],
    ['for the only source', { workers: { template: { volumes: [{ name: 'v', emptyDir: null }] } } }, /exactly one of/],
  ].map(([what, over, issue]) => wrong(`null ${what}`, pretrain(over as Fields), issue as RegExp)),
  wrong(
    'more annotations than fit into a pod',
    ofWorkers({ annotations: Object.fromEntries(Array.from({ length: 49 }, (_, i) => [`a${i}`, ''])) }),
    /annotations: must have at most 48 entries/,
  ),
  wrong(
    'a quantity that no double holds',
    ofWorkers({ resources: { limits: { memory: 2 ** 53 } } }),
    /memory: expected a number of at most 9007199254740991/,
  ),
  wrong('ids of nobody', pretrain({ runtime: { podIds: 'mine' } }), /^spec\.runtime\.podIds: /),
  wrong(
    'a key to hand on that is none',
    pretrain({ propagate: { labels: ['-team'] } }),
    /^spec\.propagate\.labels\[0\]: /,
  ),
  wrong('no key to hand on', pretrain({ propagate: { annotations: [''] } }), /^spec\.propagate\.annotations\[0\]: /),
  wrong(
    'one key to hand on twice',
    pretrain({ propagate: { labels: ['a', 'a'] } }),
    /^spec\.propagate\.labels: must not repeat/,
  ),
  wrong(
    'a node lost at once',
    pretrain({ failurePolicy: { lostNodeSeconds: 0 } }),
    /^spec\.failurePolicy\.lostNodeSeconds: /,
  ),
  wrong(
    'a pattern of shards that climbs',
    pretrain({ data: data({ files: '../*' }) }),
    /^spec\.data\.files: .*pattern/,
  ),
  wrong(
    'a pattern of shards for class folders',
    finetune({ data: data({ format: 'imagenet-folder', files: 'train-*' }) }),
    /^spec\.data\.files: is for format tfrecord/,
    'is for format tfrecord',
  ),
  wrong(
    'a pattern of shards for class folders to score on',
    finetune({ evaluation: { data: data({ format: 'imagenet-folder', files: 'train-*' }) } }),
    /^spec\.evaluation\.data\.files: is for format tfrecord/,
    'is for format tfrecord',
  ),
  wrong('an unknown field', pretrain({ batchsize: 32 }), /^spec\.batchsize: unknown field; did you mean batchSize\?/),
  wrong(
    'the classes of the task in another place',
    pretrain({ model: { classes: 9 } }),
    /did you mean task\.classes\?$/,
  ),
  wrong('an unknown field inside', pretrain({ workers: { replica: 3 } }), /^spec\.workers\.replica: .*replicas\?/),
  wrong('an unknown gang', pretrain({ scheduling: { gang: 'yes' } }), /gang: expected one of none, volcano, cosch/),
  wrong('a queue in capitals', pretrain({ scheduling: { queueName: 'Q' } }), /queueName: expected lower-case/),
  wrong('text for a number', pretrain({ maxSteps: '36M' }), /^spec\.maxSteps: expected a number/),
  wrong('a number for an object', pretrain({ learningRate: 0.1 }), /^spec\.learningRate: expected an object/),
  wrong('half a step', pretrain({ maxSteps: 1.5 }), /^spec\.maxSteps: expected a whole number/),
  wrong('a negative count', pretrain({ maxSteps: -1 }), /^spec\.maxSteps: expected a number of at least 1/),
  wrong('a step that no folder name holds', pretrain({ maxSteps: 1e9 }), /at most 999999999/),
  wrong('a negative seed', pretrain({ seed: -1 }), /^spec\.seed: expected a number of at least 0/),
  wrong('a learning rate of 0', pretrain({ learningRate: { type: 'constant', initial: 0 } }), /more than 0/),
  wrong('momentum 1, which never forgets', pretrain({ optimizer: { type: 'momentum', momentum: 1 } }), /less than 1/),
  wrong(
    'no worker',
    pretrain({ workers: { replicas: 0 } }),
    /^spec\.workers\.replicas: expected a number of at least 1/,
  ),
  wrong('no parameter server', pretrain({ parameterServer: { replicas: 0 } }), /at least 1/),
  wrong(
    'one checkpoint kept, which may be the torn one',
    pretrain({ checkpoint: checkpoint({ keep: 1 }) }),
    /at least 2/,
  ),
  wrong('a subset of more than all', pretrain({ data: data({ subset: { fraction: 1.1 } }) }), /at most 1/),
  wrong('a path that climbs out', pretrain({ data: data({ source: claim('jft', 'a/../../b') }) }), /without "\.\."/),
  wrong('a path from the root', pretrain({ data: data({ labels: '/etc/passwd' }) }), /relative path/),
  wrong('a path with a shell in it', pretrain({ data: data({ labels: 'a;rm -rf $(b)' }) }), /relative path/),
  wrong(
    'a claim name in capitals',
    pretrain({ data: data({ source: claim('JFT') }) }),
    /claimName: expected lower-case/,
  ),
  wrong('an unknown preset', pretrain({ preset: 'jft' }), /^spec\.preset: expected one of jft-resnet101/),
  wrong('an unknown backbone', pretrain({ model: { backbone: 'vgg' } }), /expected one of resnet-mini/),
  wrong(
    'an unknown optimizer',
    pretrain({ optimizer: { type: 'lion' } }),
    /^spec\.optimizer\.type: expected one of rmsprop/,
  ),
  wrong(
    'a label subset without a label',
    pretrain({ data: data({ labelSubset: { names: [] } }) }),
    /^spec\.data\.labelSubset\.names: expected a list of at least 1/,
  ),
  wrong(
    'a label subset with a name of 61 characters',
    pretrain({ data: data({ labelSubset: { names: ['x'.repeat(61)] } }) }),
    /^spec\.data\.labelSubset\.names\[0\]: expected a text of at most 60 characters/,
  ),
  wrong(
    'an optimizer that lacks a field',
    pretrain({ optimizer: { type: 'adam', beta1: 0.9, beta2: 0.999 } }),
    /^spec\.optimizer\.epsilon: required/,
  ),
  wrong(
    'an unknown asynchrony policy',
    pretrain({ async: { policy: { type: 'softSync' } } }),
    /^spec\.async\.policy\.type: expected one of async/,
  ),
  wrong(
    'a field of another asynchrony policy',
    pretrain({ async: { policy: { type: 'async', delayCompensation: 0.1 } } }),
    /^spec\.async\.policy\.delayCompensation: unknown field/,
    'has no delayCompensation',
  ),
  wrong('a policy as a word', pretrain({ async: { policy: 'dcAsgd' } }), /^spec\.async\.policy: expected an object/),
  wrong(
    'an optimizer without its type',
    pretrain({ optimizer: { momentum: 0.9 } }),
    /^spec\.optimizer\.type: required/,
  ),
  wrong(
    'half a schedule',
    pretrain({ learningRate: { type: 'exponential', initial: 1 } }),
    /^spec\.learningRate\.factor: required/,
    'type exponential needs initial, factor, everySteps, staircase',
  ),
  wrong(
    'a field of another optimizer',
    pretrain({ optimizer: { type: 'momentum', momentum: 0.9, decay: 0.9 } }),
    /^spec\.optimizer\.decay: unknown field/,
    'type momentum has no decay, epsilon',
  ),
  wrong('no data', pretrain({ data: undefined }), /^spec\.data: required/),
  wrong('no place for checkpoints', pretrain({ checkpoint: undefined }), /^spec\.checkpoint(\.storage)?: required/),
  wrong('no task of a FinetuneJob', finetune({ preset: undefined, maxSteps: 9 }), /^spec\.task: required/),
  wrong('no evaluation of a FinetuneJob', finetune({ evaluation: undefined }), /^spec\.evaluation: required/),
  wrong('a name of 41 characters', pretrain({}, 'a'.repeat(41)), /^metadata\.name: .*at most 40/),
  wrong('a name with a dot', pretrain({}, 'jft.1'), /^metadata\.name: expected lower-case/),
  wrong(
    'an unknown quantity',
    pretrain({ workers: { template: { resources: { limits: { cpu: 'lots' } } } } }),
    /a quantity such as/,
  ),
  wrong(
    'less than nothing',
    pretrain({ workers: { template: { resources: { limits: { cpu: -1 } } } } }),
    /cpu: expected a number of at least 0/,
  ),
  wrong(
    'one variable twice',
    pretrain({ workers: { template: { env: [{ name: 'A' }, { name: 'A' }] } } }),
    /env: must not repeat a name/,
  ),
  wrong('one step twice', pretrain({ transfers: [transfer({ at: { steps: [5, 5] } })] }), /steps: must not repeat/),
  wrong(
    'two transfers of one name',
    pretrain({ transfers: [transfer(), transfer()] }),
    /transfers: must not repeat a name/,
  ),
  wrong(
    'a transfer without a task',
    pretrain({ transfers: [transfer({}, { preset: undefined, maxSteps: 9 })] }),
    /template\.task: required/,
  ),
  wrong(
    'a transfer with a source',
    pretrain({ transfers: [transfer({}, { from: { pretrainJob: 'x' } })] }),
    /unknown field/,
  ),
]

/** The operator makes pods in its own name, so a job must not ask for what its author could not have. */
const UNSAFE_PODS: readonly JobCase[] = [
  wrong(
    'a folder of the node',
    ofWorkers({ volumes: [{ name: 'v', hostPath: { path: '/' } }] }),
    /^spec\.workers\.template\.volumes\[0\]\.hostPath: unknown field/,
  ),
  wrong(
    'a folder of the node, in a transfer',
    pretrain({
      transfers: [transfer({}, { evaluator: { template: { volumes: [{ name: 'v', hostPath: { path: '/' } }] } } })],
    }),
    /template\.volumes\[0\]\.hostPath: unknown field/,
  ),
  wrong(
    'a volume without a source',
    ofWorkers({ volumes: [{ name: 'v' }] }),
    /volumes\[0\]: must have exactly one of configMap, csi/,
    'must have exactly one of configMap, csi',
  ),
  wrong(
    'a volume with two sources',
    ofWorkers({ volumes: [{ name: 'v', emptyDir: {}, secret: {} }] }),
    /volumes\[0\]: must have exactly one of/,
    'must have exactly one of',
  ),
  wrong(
    "a service account's token",
    ofWorkers({ volumes: [{ name: 'v', projected: { sources: [{ serviceAccountToken: { path: 't' } }] } }] }),
    /projected\.sources\[0\]\.serviceAccountToken: unknown field/,
  ),
  wrong(
    'the user root',
    ofWorkers({ securityContext: { runAsUser: 0 } }),
    /runAsUser: expected a number of at least 1/,
  ),
  wrong(
    'leave to be root',
    ofWorkers({ securityContext: { runAsNonRoot: false } }),
    /^spec\.workers\.template\.securityContext\.runAsNonRoot: expected one of true/,
  ),
  wrong(
    'no seccomp profile',
    ofWorkers({ securityContext: { seccompProfile: { type: 'Unconfined' } } }),
    /seccompProfile\.type: expected one of RuntimeDefault, Localhost/,
  ),
  wrong(
    'a kernel setting',
    ofWorkers({ securityContext: { sysctls: [{ name: 'net.core.somaxconn', value: '1' }] } }),
    /securityContext\.sysctls: unknown field/,
  ),
  wrong(
    'an SELinux type that may do anything',
    ofWorkers({ securityContext: { seLinuxOptions: { type: 'spc_t' } } }),
    /seLinuxOptions\.type: expected one of container_t/,
  ),
  wrong(
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
    wrong(
      `the annotation ${key}`,
      ofWorkers({ annotations: { [key]: 'unconfined' } }),
      /annotations: must not hold annotations with a meaning for Kubernetes/,
      'must not hold annotations with a meaning for Kubernetes',
    ),
    wrong(
      `the annotation ${key} to hand on`,
      pretrain({ propagate: { annotations: [key] } }),
      /^spec\.propagate\.annotations: must not hold annotations with a meaning for Kubernetes/,
      'must not hold annotations with a meaning for Kubernetes',
    ),
  ]),
]

/** What the API server would refuse in the pods and the service of a job: refused in the job. */
const WRONG_PODS: readonly JobCase[] = [
  wrong('a name that begins with a digit', pretrain({}, '50-workers'), /^metadata\.name: .*beginning with a letter/),
  ...['A B', 'A=B', '', '1A', '..', '.', 'Ü', 'A\n'].map((name) =>
    wrong(`a variable called ${JSON.stringify(name)}`, ofWorkers({ env: [{ name, value: 'x' }] }), /env\[0\]\.name: /),
  ),
  ...['DOWNPOUR_CONFIG', 'DOWNPOUR_DATA_DIR', 'DOWNPOUR_'].map((name) =>
    wrong(
      `the variable ${name}`,
      ofWorkers({ env: [{ name, value: 'x' }] }),
      /env\[0\]: must leave variables whose names begin with DOWNPOUR_/,
      'must leave variables whose names begin with DOWNPOUR_',
    ),
  ),
  ...[4, true, {}, ['a']].map((value) =>
    wrong(
      `a variable whose value is ${JSON.stringify(value)}`,
      ofWorkers({ env: [{ name: 'A', value }] }),
      /env\[0\]\.value: expected a text/,
    ),
  ),
  wrong(
    'a variable with a value and a source',
    ofWorkers({ env: [{ name: 'A', value: 'x', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } }] }),
    /env\[0\]: cannot have both/,
    'cannot have both value and valueFrom',
  ),
  wrong(
    'a variable of no source',
    ofWorkers({ env: [{ name: 'A', valueFrom: {} }] }),
    /valueFrom: must have exactly one of/,
    'must have exactly one of',
  ),
  wrong(
    'a variable of two sources',
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
    wrong(
      `a variable of the field ${JSON.stringify(fieldPath)}`,
      ofWorkers({ env: [{ name: 'A', valueFrom: { fieldRef: { fieldPath } } }] }),
      /fieldPath: expected a field of a pod|fieldPath: a field of a pod/,
    ),
  ),
  wrong(
    'memory counted in thousandths',
    ofWorkers({ env: [{ name: 'A', valueFrom: { resourceFieldRef: { resource: 'limits.memory', divisor: '1m' } } }] }),
    /resourceFieldRef: must have a divisor that fits/,
    'must have a divisor that fits',
  ),
  wrong(
    'a mount without its volume',
    ofWorkers({ volumeMounts: [{ name: 'v', mountPath: '/v' }] }),
    /template: must list under volumes every volume/,
    'must list under volumes every volume',
  ),
  ...['v', '/a:b', '/a/../b', '/a/./b', '/', '//a', '/a/', '', '/a\u0000'].map((mountPath) =>
    wrong(
      `a mount at ${JSON.stringify(mountPath)}`,
      ofWorkers({ volumes: [{ name: 'v', emptyDir: {} }], volumeMounts: [{ name: 'v', mountPath }] }),
      /mountPath: expected an absolute path|mountPath: an absolute path/,
    ),
  ),
  ...['/tmp', '/mnt/downpour', '/mnt/downpour/data', '/mnt/downpour/checkpoint/x'].map((mountPath) =>
    wrong(
      `a mount over the operator's ${mountPath}`,
      ofWorkers({ volumes: [{ name: 'v', emptyDir: {} }], volumeMounts: [{ name: 'v', mountPath }] }),
      /volumeMounts\[0\]: must not be mounted over/,
      'must not be mounted over',
    ),
  ),
  wrong(
    'two mounts at one place',
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
    wrong(
      `the folder ${subPath} of a volume`,
      ofWorkers({ volumes: [{ name: 'v', emptyDir: {} }], volumeMounts: [{ name: 'v', mountPath: '/v', subPath }] }),
      /subPath: (expected )?a relative path/,
    ),
  ),
  ...['V', 'a.b', 'a_b', '', 'v'.repeat(64)].map((name) =>
    wrong(
      `a volume called ${name.slice(0, 9)}`,
      ofWorkers({ volumes: [{ name, emptyDir: {} }] }),
      /volumes\[0\]\.name: expected/,
    ),
  ),
  wrong(
    "a volume called like the operator's",
    ofWorkers({ volumes: [{ name: 'downpour-tmp', emptyDir: {} }] }),
    /volumes\[0\]: must leave names that begin with downpour-/,
    'must leave names that begin with downpour-',
  ),
  ...['a b', '-a', 'a/b/c', '/a', 'a/', 'A.com/b', 'k'.repeat(64), 'ü', ''].map((key) =>
    wrong(
      `a label called ${JSON.stringify(key.slice(0, 9))}`,
      ofWorkers({ labels: { [key]: 'x' } }),
      /labels: must have keys such as/,
      'must have keys such as',
    ),
  ),
  ...['a b', '-a', 'v'.repeat(64), 'ü'].map((value) =>
    wrong(
      `a label that says ${JSON.stringify(value.slice(0, 9))}`,
      ofWorkers({ labels: { team: value } }),
      /labels\.team: expected a (label|text of at most 63)/,
    ),
  ),
  ...['downpour.dev/role', 'downpour.dev/anything', 'app.kubernetes.io/managed-by'].flatMap((key) => [
    wrong(
      `the label ${key}`,
      ofWorkers({ labels: { [key]: 'x' } }),
      /labels: must leave .* to the operator/,
      'must leave',
    ),
    wrong(
      `the annotation ${key}`,
      ofWorkers({ annotations: { [key]: 'x' } }),
      /annotations: must leave .* to the operator/,
      'must leave',
    ),
  ]),
  wrong('a number as a label', ofWorkers({ labels: { team: 42 } }), /labels\.team: expected a text/),
  wrong('a node selector without a key', ofWorkers({ nodeSelector: { '': 'x' } }), /nodeSelector: must have keys/),
  wrong(
    'a node selector that is a number',
    ofWorkers({ nodeSelector: { disk: 1 } }),
    /nodeSelector\.disk: expected a text/,
  ),
  wrong(
    'more labels than anybody reads',
    ofWorkers({ labels: Object.fromEntries(Array.from({ length: 65 }, (_, i) => [`l${i}`, 'x'])) }),
    /labels: must have at most 64 entries/,
  ),
  wrong(
    'a toleration of nothing',
    ofWorkers({ tolerations: [{}] }),
    /tolerations\[0\]: must have operator: Exists/,
    'must have operator: Exists',
  ),
  wrong(
    'a toleration of a value that need only exist',
    ofWorkers({ tolerations: [{ key: 'a', operator: 'Exists', value: 'b' }] }),
    /tolerations\[0\]: must have no value/,
    'must have no value with operator: Exists',
  ),
  wrong(
    'a toleration for some seconds of what does not evict',
    ofWorkers({ tolerations: [{ key: 'a', effect: 'NoSchedule', tolerationSeconds: 5 }] }),
    /tolerations\[0\]: must have effect: NoExecute/,
    'must have effect: NoExecute',
  ),
  wrong(
    'a toleration with an unknown operator',
    ofWorkers({ tolerations: [{ key: 'a', operator: 'In' }] }),
    /operator: expected one of/,
  ),
  wrong(
    'a toleration with an unknown effect',
    ofWorkers({ tolerations: [{ key: 'a', effect: 'Never' }] }),
    /effect: expected one of/,
  ),
  ...['0.5', '500m', '1e-1', 1.5].map((gpus) =>
    wrong(
      `${gpus} of a GPU`,
      ofWorkers({ resources: { limits: { 'nvidia.com/gpu': gpus } } }),
      /must ask for whole devices|expected/,
    ),
  ),
  wrong(
    'a GPU that is requested without a limit',
    ofWorkers({ resources: { requests: { 'nvidia.com/gpu': 1 } } }),
    /resources: must have a limit equal to the request/,
    'must have a limit equal to the request',
  ),
  wrong(
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
    wrong(
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
    wrong(
      `a resource called ${name}`,
      ofWorkers({ resources: { limits: { [name]: 1 } } }),
      /limits: must name resources/,
      'must name resources',
    ),
  ),
  ...['4GB', '1,5', ' 1', '1 ', 'NaN', '0x10', '1e', '--1', '', '²'].map((cpu) =>
    wrong(
      `${JSON.stringify(cpu)} as a quantity`,
      ofWorkers({ resources: { limits: { cpu } } }),
      /limits\.cpu: expected a quantity such as/,
    ),
  ),
  wrong(
    'half a huge page',
    ofWorkers({ resources: { limits: { cpu: 1, 'hugepages-2Mi': '3Mi' } } }),
    /must ask for whole huge pages/,
    'must ask for whole huge pages',
  ),
  wrong(
    'huge pages alone',
    ofWorkers({ resources: { limits: { 'hugepages-2Mi': '4Mi' } } }),
    /resources: must have cpu or memory besides/,
    'must have cpu or memory besides huge pages',
  ),
  wrong(
    'a seccomp profile that is not named',
    ofWorkers({ securityContext: { seccompProfile: { type: 'Localhost' } } }),
    /seccompProfile: must have a localhostProfile/,
    'must have a localhostProfile exactly when type is Localhost',
  ),
  wrong(
    'a service account in capitals',
    ofWorkers({ serviceAccountName: 'Default' }),
    /serviceAccountName: expected lower/,
  ),
  ...['', ' ', ' a', 'a b', 'a\n'].map((image) =>
    wrong(
      `the image ${JSON.stringify(image)}`,
      pretrain({ runtime: { image } }),
      /runtime\.image: expected the name of an image/,
    ),
  ),
  wrong(
    'a queue whose name is no label',
    pretrain({ scheduling: { queueName: 'q'.repeat(64) } }),
    /queueName: expected/,
  ),
  wrong(
    'an integer that nobody means',
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
  wrong(
    'a label of the operator to hand on',
    pretrain({ propagate: { labels: ['team', 'downpour.dev/role'] } }),
    /^spec\.propagate\.labels: must leave app.kubernetes.io\/managed-by and keys of downpour.dev/,
    'to the operator',
  ),
  wrong(
    'the manager of the pods to hand on',
    finetune({ propagate: { labels: ['app.kubernetes.io/managed-by'] } }),
    /^spec\.propagate\.labels: must leave/,
    'to the operator',
  ),
  wrong(
    "kubectl's copy of the job to hand on",
    pretrain({ propagate: { annotations: ['kubectl.kubernetes.io/last-applied-configuration'] } }),
    /^spec\.propagate\.annotations: must not hold kubectl/,
    'must not hold',
  ),
  wrong(
    'a crop larger than the picture',
    pretrain({ input: { resizePixels: 32, cropPixels: 36 } }),
    /^spec\.input\.cropPixels: must not be larger/,
    'must not be larger than resizePixels',
  ),
  wrong('as many values as boundaries', piecewise([10], [0.1]), /values: must have one/, 'one value more'),
  wrong(
    'boundaries that fall',
    piecewise([20, 10], [1, 0.1, 0.01]),
    /boundaries: must be in ascending order/,
    'must be in ascending order',
  ),
  wrong(
    'one boundary twice',
    piecewise([10, 10], [1, 0.1, 0.01]),
    /boundaries: must be in ascending order/,
    'must be in ascending order',
  ),
  wrong(
    'more head slices than classes',
    pretrain({ task: { classes: 5, headSlices: 6 } }),
    /headSlices: must not be larger than classes/,
    'must not be larger than classes',
  ),
  wrong(
    'a quorum that cannot meet',
    pretrain({ workers: { replicas: 2, quorum: 3 } }),
    /quorum: must not be larger than replicas/,
    'must not be larger than replicas',
  ),
  wrong(
    'checkpoints by steps and by minutes',
    pretrain({ checkpoint: checkpoint({ everySteps: 5, everyMinutes: 5 }) }),
    /everyMinutes: cannot be given together/,
    'cannot be given together with everySteps',
  ),
  wrong(
    'a warm start longer than the job',
    pretrain({ maxSteps: 10, async: { warmStartSteps: 10 } }),
    /warmStartSteps: must be smaller/,
    'must be smaller than maxSteps',
  ),
  wrong(
    'an exit code both permanent and retryable',
    pretrain({ failurePolicy: { permanentExitCodes: [7, 8], retryableExitCodes: [8] } }),
    /retryableExitCodes: must not contain/,
    'must not contain a code of permanentExitCodes',
  ),
  wrong(
    'a queue for a scheduler that has none',
    pretrain({ scheduling: { gang: 'coscheduling', queueName: 'team-a' } }),
    /^spec\.scheduling\.queueName: cannot be given together/,
    'cannot be given together with gang: coscheduling',
  ),
  wrong(
    'a transfer at no time',
    pretrain({ transfers: [transfer({ at: {} })] }),
    /must each have at/,
    'at.success: true',
  ),
  wrong(
    'a transfer after the end',
    pretrain({ maxSteps: 10, transfers: [transfer({ at: { steps: [11] } })] }),
    /beyond maxSteps/,
    'must not name a step beyond maxSteps',
  ),
  wrong(
    'a transfer whose FinetuneJob has too long a name',
    pretrain({ transfers: [transfer({ name: 'b'.repeat(20) })] }, 'a'.repeat(20)),
    /^spec\.transfers: makes a FinetuneJob .*more than 40/,
    'more than 40 characters',
  ),
  wrong(
    'a transfer whose step makes its name too long',
    pretrain({ transfers: [transfer({ name: 'b'.repeat(18), at: { steps: [10] } })] }, 'a'.repeat(20)),
    /more than 40/,
    'more than 40 characters',
  ),
  wrong(
    'no source',
    finetune({ from: undefined }),
    /^spec\.from: is required unless/,
    'is required unless init is random',
  ),
  wrong(
    'a step without asking for one',
    finetune({ from: { pretrainJob: 'jft', step: 5 } }),
    /from\.step: must be given exactly/,
    'must be given exactly when checkpoint is step',
  ),
  wrong(
    'a step asked for and not said',
    finetune({ from: { pretrainJob: 'jft', checkpoint: 'step' } }),
    /from\.step: must be given exactly/,
    'must be given exactly when checkpoint is step',
  ),
  wrong(
    'random weights frozen',
    finetune({ from: undefined, protocol: 'frozen', init: 'random' }),
    /protocol: frozen needs/,
    'init cannot be random',
  ),
  wrong(
    'random weights frozen, in a transfer',
    pretrain({ transfers: [transfer({}, { protocol: 'frozen', init: 'random' })] }),
    /^spec\.transfers\[0\]\.template\.protocol: frozen needs/,
    'init cannot be random',
  ),
  wrong('no length', pretrain({ preset: 'jft-mini' }), /^spec\.maxSteps: required/, 'maxSteps is required'),
  wrong(
    'no task',
    pretrain({ preset: undefined, maxSteps: 9 }),
    /^spec\.task: required/,
    'task is required: no preset sets it',
  ),
  wrong(
    'no classes',
    pretrain({ preset: undefined, task: {}, maxSteps: 9 }),
    /^spec\.task\.classes: required/,
    'type multi-label needs classes',
  ),
  wrong('an unknown task', pretrain({ task: { type: 'horoscope' } }), /^spec\.task\.type: expected one of multi-label/),
  wrong('a task as a word', finetune({ task: 'imagenet-classification' }), /^spec\.task: expected an object/),
  wrong(
    'a task that only the other kind has',
    finetune({ task: { type: 'multi-label', classes: 9 } }),
    /^spec\.task\.type: expected one of imagenet-classification, object-count/,
  ),
  wrong(
    'an option of another task',
    pretrain({ task: { type: 'object-count', classes: 9 } }),
    /^spec\.task\.classes: unknown field$/,
    'type object-count has no classes, headSlices',
  ),
  wrong(
    'a task of a FinetuneJob without its type',
    finetune({ task: { classes: 9 } }),
    /^spec\.task\.type: required: one of imagenet-classification/,
  ),
  wrong(
    'a task on data that does not hold what it learns',
    pretrain({ task: { type: 'object-count' }, data: { source: claim('jft'), format: 'imagenet-folder' } }),
    /^spec\.data\.format: must be a format that carries what the task learns/,
    'must be a format that carries what the task learns',
  ),
  wrong(
    'a task with an evaluation on such data',
    pretrain({
      task: { type: 'object-count' },
      evaluation: { data: data({ source: claim('jft', 'val'), format: 'imagenet-folder' }) },
    }),
    /^spec\.evaluation\.data\.format: must be a format that carries what the task learns/,
    'must be a format that carries what the task learns',
  ),
  wrong(
    'a metric that the task does not have',
    pretrain({ evaluation: { data: data({ source: claim('jft', 'val') }), metric: 'top1' } }),
    /^spec\.evaluation\.metric: must be a metric of the task/,
    'must be a metric of the task',
  ),
  wrong(
    'a quorum that the preset has no workers for',
    pretrain({ workers: { quorum: 51 } }),
    /quorum: must not be larger than replicas/,
    'must not be larger than replicas',
  ),
  wrong(
    "a crop larger than the preset's picture",
    pretrain({ input: { cropPixels: 341 } }),
    /cropPixels: must not be larger than resizePixels/,
    'must not be larger than resizePixels',
  ),
  wrong(
    'fewer classes than the head has slices',
    finetune({ task: { type: 'imagenet-classification', classes: 49, headSlices: 50 } }),
    /headSlices: must not be larger than classes/,
    'must not be larger than classes',
  ),
  wrong(
    "a warm start longer than the preset's job",
    pretrain({ async: { warmStartSteps: 36_000_000 } }),
    /warmStartSteps: must be smaller/,
    'must be smaller than maxSteps',
  ),
  wrong(
    "a transfer after the end of the preset's job",
    pretrain({ transfers: [transfer({ at: { steps: [36_000_001] } })] }),
    /beyond maxSteps/,
    'must not name a step beyond maxSteps',
  ),
  wrong(
    'a PretrainJob that starts from itself',
    pretrain({ from: { pretrainJob: 'jft' } }),
    /^spec\.from\.pretrainJob: must name another/,
    'must name another PretrainJob',
  ),
  wrong(
    'a PretrainJob that starts from a step and names none',
    pretrain({ from: { pretrainJob: 'imagenet', checkpoint: 'step' } }),
    /^spec\.from\.step: must be given exactly/,
    'must be given exactly when checkpoint is step',
  ),
  wrong(
    'random weights that have a source',
    finetune({ init: 'random' }),
    /^spec\.from: cannot be given together with init: random/,
    'cannot be given together with init: random',
  ),
  wrong(
    'two transfers whose FinetuneJobs share a name',
    pretrain({ transfers: [transfer({ name: 'a', at: { steps: [5] } }), transfer({ name: 'a-5' })] }),
    /^spec\.transfers: makes two FinetuneJobs/,
    'makes two FinetuneJobs of one name',
  ),
]

export const JOB_CASES: readonly JobCase[] = [...RIGHT, ...WRONG_TYPES, ...UNSAFE_PODS, ...WRONG_PODS, ...BROKEN_RULES]

export interface ChangeCase {
  name: string
  before: RawJob
  after: RawJob
  /** The field that may not change; absent: the change is taken. */
  field?: string
  /** Why, where it is not the ordinary answer. */
  words?: string
}

const queued = (over: Fields = {}) => pretrain({ scheduling: { queueName: 'team-a' }, ...over })
const RUNNING = 'cannot change while the job runs; suspend it first'
const COUNTED = 'cannot change while Kueue counts the pods of the job; suspend it first'

/** As many workers as the preset of `pretrain()` says. */
const FIFTY = { workers: { replicas: 50 } }

export const CHANGE_CASES: readonly ChangeCase[] = [
  { name: 'the model', before: pretrain(), after: pretrain({ model: { backbone: 'resnet50' } }), field: 'model' },
  {
    name: 'the task',
    before: pretrain({ task: { classes: 5 } }),
    after: pretrain({ task: { classes: 6 } }),
    field: 'task',
  },
  {
    name: 'the type of a task, written out',
    before: pretrain({ task: { classes: 5 } }),
    after: pretrain({ task: { type: 'multi-label', classes: 5 } }),
  },
  { name: 'the seed', before: pretrain({ seed: 1 }), after: pretrain({ seed: 2 }), field: 'seed' },
  { name: 'the preset', before: pretrain(), after: pretrain({ preset: 'jft-resnet50' }), field: 'preset' },
  { name: 'the source', before: finetune(), after: finetune({ from: { pretrainJob: 'other' } }), field: 'from' },
  { name: 'the protocol', before: finetune(), after: finetune({ protocol: 'frozen' }), field: 'protocol' },
  { name: 'the number of workers', before: pretrain(), after: pretrain({ workers: { replicas: 3 } }) },
  { name: 'the length', before: pretrain(), after: pretrain({ maxSteps: 90_000_000 }) },
  { name: 'the queue', before: queued(), after: pretrain(), field: 'scheduling', words: RUNNING },
  { name: 'the queue, while suspended', before: pretrain({ suspend: true }), after: queued({ suspend: true }) },
  { name: 'the queue, on resuming', before: queued({ suspend: true }), after: pretrain() },
  {
    name: 'the number of workers in a queue',
    before: queued({ workers: { replicas: 5 } }),
    after: queued({ workers: { replicas: 6 } }),
    field: 'workers.replicas',
    words: COUNTED,
  },
  {
    name: 'the number of parameter servers in a queue',
    before: queued(),
    after: queued({ parameterServer: { replicas: 6 } }),
    field: 'parameterServer.replicas',
    words: COUNTED,
  },
  { name: 'the number of workers in a queue, to what the preset says', before: queued(), after: queued(FIFTY) },
  { name: 'the number of workers in a queue, to nothing', before: queued(FIFTY), after: queued() },
  {
    name: 'the number of workers in a queue, to other than what the preset says',
    before: queued(),
    after: queued({ workers: { replicas: 49 } }),
    field: 'workers.replicas',
    words: COUNTED,
  },
  {
    name: 'the number of workers in a queue, suspending',
    before: queued({ workers: { replicas: 5 } }),
    after: queued({ workers: { replicas: 6 }, suspend: true }),
  },
  {
    name: 'the number of workers in a gang',
    before: pretrain({ scheduling: { gang: 'volcano', queueName: 'q' }, workers: { replicas: 5 } }),
    after: pretrain({ scheduling: { gang: 'volcano', queueName: 'q' }, workers: { replicas: 6 } }),
  },
  { name: 'suspension', before: finetune(), after: finetune({ suspend: true }) },
]
