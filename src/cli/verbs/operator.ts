/** `downpour operator`. Apart from the other verbs, because the operator's image carries this one alone. */
import { type Command, InvalidArgumentError, Option } from 'commander'
import { POD_IDS } from '../../api/common.ts'
import type { OperatorOptions } from '../../operator/operator.ts'
import { DEFAULT_IMAGE } from '../default-image.ts'

interface Flags extends Omit<OperatorOptions, 'namespaces' | 'kubeLimits'> {
  namespace: string[]
  kubeQps: number
  kubeBurst: number
}

/** @param run serves until it is told to stop; resolves to the exit code */
export function registerOperator(program: Command, run: (options: OperatorOptions) => Promise<void>): void {
  program
    .command('operator')
    .description('watch PretrainJobs and FinetuneJobs and turn them into pods')
    .option('--kubeconfig <file>', 'default: $KUBECONFIG, ~/.kube/config, then in-cluster')
    .option('--namespace <name>', 'watch this namespace only; may be given several times', collect, [])
    .option('--no-leader-elect', 'skip the lease: for a single replica')
    .option('--lease-namespace <name>', 'where the lease lies (default: the namespace it runs in)')
    .option('--lease-name <name>', 'operators that share a lease share their work', 'downpour-operator')
    .option('--http-host <address>', 'listen for health and metrics here (default: every address)')
    .option('--http-port <port>', 'health and metrics', wholeNumber, 8080)
    .option('--poll-seconds <n>', 'how often running jobs are asked for progress', positive, 5)
    .option('--concurrency <n>', 'jobs handled at once', positive, 16)
    .option('--kube-qps <n>', 'requests a second to the API server, on average', positive, 200)
    .option('--kube-burst <n>', 'requests at once after a pause', positive, 400)
    .option('--default-image <image>', 'image of pods whose job names none', DEFAULT_IMAGE)
    .addOption(
      new Option(
        '--pod-ids <whose>',
        'user and groups of pods whose job does not say: 65532, or as the namespace assigns',
      )
        .choices(POD_IDS)
        .default('fixed'),
    )
    .addOption(new Option('--log-level <level>').choices(['debug', 'info', 'warn', 'error']).default('info'))
    .action(({ namespace, kubeQps, kubeBurst, ...flags }: Flags) =>
      run({ ...flags, namespaces: namespace, kubeLimits: { qps: kubeQps, burst: kubeBurst } }),
    )
}

function collect(value: string, before: readonly string[]): string[] {
  return [...new Set([...before, value])]
}

export function wholeNumber(text: string): number {
  if (!/^\d+$/.test(text)) throw new InvalidArgumentError('expected a whole number')
  return Number(text)
}

function positive(text: string): number {
  const value = Number(text)
  if (!(value > 0 && Number.isFinite(value))) throw new InvalidArgumentError('expected a number above 0')
  return value
}
