/**
 * All verbs of the command line. Each has an entry here and a file that registers its arguments, options and action. The
 * file is loaded only when the verb is called, so help is fast and a worker does not load the operator.
 */
import type { Command } from 'commander'

export interface Verb {
  description: string
  load: () => Promise<{ register(command: Command): void }>
}

const ofPod = 'started in a pod; DOWNPOUR_* variables describe its job'

export const VERBS = {
  run: {
    description: 'run jobs on this machine: the same operator and runtime, pods as processes',
    load: () => import('./verbs/run.ts'),
  },
  operator: {
    description: 'watch PretrainJobs and FinetuneJobs and turn them into pods',
    load: () => import('./verbs/operator.ts'),
  },
  ps: { description: `parameter server process (${ofPod})`, load: () => import('./verbs/ps.ts') },
  worker: { description: `training process (${ofPod})`, load: () => import('./verbs/worker.ts') },
  evaluate: { description: `evaluator process (${ofPod})`, load: () => import('./verbs/evaluate.ts') },
  validate: { description: 'check job files and report every problem', load: () => import('./verbs/validate.ts') },
  render: { description: 'print the objects that a job becomes', load: () => import('./verbs/render.ts') },
  presets: {
    description: 'list the values of spec.preset, and the numbers that each one fills in',
    load: () => import('./verbs/presets.ts'),
  },
  checkpoint: { description: 'inspect checkpoints on a volume', load: () => import('./verbs/checkpoint.ts') },
  status: { description: 'show the jobs of a run or a cluster, once', load: () => import('./verbs/status.ts') },
  data: { description: 'generate or inspect a data set', load: () => import('./verbs/data.ts') },
} satisfies Record<string, Verb>

/** @returns the verb that the arguments call or request help for */
export function calledVerb(args: readonly string[]): keyof typeof VERBS | undefined {
  const name = args.find((arg) => !arg.startsWith('-') && arg !== 'help') ?? ''
  return Object.hasOwn(VERBS, name) ? (name as keyof typeof VERBS) : undefined
}
