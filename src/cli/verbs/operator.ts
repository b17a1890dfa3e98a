/** `downpour operator`; the only verb in the operator's image (operator-main.ts). */
import { type Command, Option } from 'commander'
import { POD_IDS } from '../../api/common.ts'
import type { OperatorOptions } from '../../operator/operator.ts'
import { DEFAULT_IMAGE } from '../default-image.ts'
import { positiveNumber, wholeNumber } from '../flag-values.ts'
import { exitWith } from '../io.ts'

interface Flags extends Omit<OperatorOptions, 'namespaces' | 'kubeLimits'> {
  namespace: string[]
  kubeQps: number
  kubeBurst: number
}

/** @param run runs until a signal stops it, and returns the exit code */
export function register(command: Command, run: (options: OperatorOptions) => Promise<number> = runOperator): void {
  command
    .option('--kubeconfig <file>', 'default: $KUBECONFIG, ~/.kube/config, then in-cluster')
    .option('--namespace <name>', 'watch this namespace only; may be given several times', collect, [])
    .option('--no-leader-elect', 'skip the lease: for a single replica')
    .option('--lease-namespace <name>', 'where the lease lies (default: the namespace it runs in)')
    .option('--lease-name <name>', 'operators that share a lease share their work', 'downpour-operator')
    .option('--http-host <address>', 'listen for health and metrics here (default: every address)')
    .option('--http-port <port>', 'health and metrics', wholeNumber, 8080)
    .option('--poll-seconds <n>', 'how often running jobs are asked for progress', positiveNumber, 5)
    .option('--concurrency <n>', 'jobs handled at once', positiveNumber, 16)
    .option('--kube-qps <n>', 'requests a second to the API server, on average', positiveNumber, 200)
    .option('--kube-burst <n>', 'requests at once after a pause', positiveNumber, 400)
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
      exitWith(run({ ...flags, namespaces: namespace, kubeLimits: { qps: kubeQps, burst: kubeBurst } })),
    )
}

async function runOperator(options: OperatorOptions): Promise<number> {
  return (await import('../../operator/main.ts')).runOperator(options)
}

function collect(value: string, before: readonly string[]): string[] {
  return [...new Set([...before, value])]
}
