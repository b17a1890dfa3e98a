/**
 * All verbs of the command line. Each has an entry here and a file that registers its arguments, options and action. The
 * file is loaded only when the verb is called, so help is fast and a worker does not load the operator.
 */
import type { Command } from 'commander'

export interface Verb {
  description: string
  load: () => Promise<{ register(command: Command): void }>
}

const inPod = 'runs in a pod; configured by DOWNPOUR_* variables'

export const VERBS = {
  run: {
    description: 'run jobs on this machine: the operator and runtime of a cluster, with each pod as a process',
    load: () => import('./verbs/run.ts'),
  },
  operator: {
    description: 'run the operator: create pods for PretrainJobs and FinetuneJobs',
    load: () => import('./verbs/operator.ts'),
  },
  ps: { description: `run a parameter server (${inPod})`, load: () => import('./verbs/ps.ts') },
  worker: { description: `run a training worker (${inPod})`, load: () => import('./verbs/worker.ts') },
  evaluator: { description: `run the evaluator of a job (${inPod})`, load: () => import('./verbs/evaluator.ts') },
  evaluate: {
    description: 'score result files against their ground truth, or a checkpoint on a data set',
    load: () => import('./verbs/evaluate.ts'),
  },
  validate: { description: 'check job files and report every problem', load: () => import('./verbs/validate.ts') },
  render: {
    description: 'print the objects that the operator creates for a job',
    load: () => import('./verbs/render.ts'),
  },
  plan: {
    description: 'forecast speed, staleness and memory of jobs on a machine, and say what limits them',
    load: () => import('./verbs/plan.ts'),
  },
  presets: {
    description: 'list the presets (spec.preset) and the values that they set',
    load: () => import('./verbs/presets.ts'),
  },
  checkpoint: {
    description: 'list, verify, export or import checkpoints',
    load: () => import('./verbs/checkpoint.ts'),
  },
  status: { description: 'show the jobs of a local run or a cluster', load: () => import('./verbs/status.ts') },
  data: {
    description: 'generate, inspect or convert a data set, or find copies of a test set',
    load: () => import('./verbs/data.ts'),
  },
} satisfies Record<string, Verb>

/** @returns the verb that the arguments call or request help for */
export function calledVerb(args: readonly string[]): keyof typeof VERBS | undefined {
  const name = args.find((arg) => !arg.startsWith('-') && arg !== 'help') ?? ''
  return Object.hasOwn(VERBS, name) ? (name as keyof typeof VERBS) : undefined
}
