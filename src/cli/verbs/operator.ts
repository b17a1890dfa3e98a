/** `downpour operator`; the only verb in the operator's image (operator-main.ts). */
import { type Command, Option } from 'commander'
import { POD_IDS } from '../../api/common.ts'
import type { OperatorOptions } from '../../operator/operator.ts'
import { DEFAULT_IMAGE } from '../default-image.ts'
import { positiveNumber, wholeNumber } from '../flag-values.ts'
import { exitWith } from '../io.ts'

interface Flags extends Omit<OperatorOptions, 'namespaces' | 'kubeLimits'> {
  namespace?: string[]
  kubeQps: number
  kubeBurst: number
}

/** @param run runs until a signal stops it, and returns the exit code */
export function register(command: Command, run: (options: OperatorOptions) => Promise<number> = runOperator): void {
  command
    .option('--kubeconfig <file>', 'default: $KUBECONFIG, ~/.kube/config, then in-cluster')
    .option('--namespace <name>', 'watch only this namespace; repeatable (default: all namespaces)', collect)
    .option('--no-leader-elect', 'run without leader election: only for a single replica')
    .option('--lease-namespace <name>', 'namespace of the Lease (default: the namespace of the operator)')
    .option(
      '--lease-name <name>',
      'name of the Lease; operators with the same Lease elect one leader',
      'downpour-operator',
    )
    .option('--http-host <address>', 'address that serves health and metrics (default: every address)')
    .option('--http-port <port>', 'port that serves health and metrics', wholeNumber, 8080)
    .option('--poll-seconds <n>', 'seconds between progress requests to a running job', positiveNumber, 5)
    .option('--concurrency <n>', 'jobs reconciled at the same time', positiveNumber, 16)
    .option('--kube-qps <n>', 'requests per second to the API server, on average', positiveNumber, 200)
    .option('--kube-burst <n>', 'requests in one burst to the API server', positiveNumber, 400)
    .option('--default-image <image>', 'image for jobs without spec.runtime.image', DEFAULT_IMAGE)
    .addOption(
      new Option(
        '--pod-ids <mode>',
        'user and groups of pods unless the job sets them: "fixed" is 65532, "platform" leaves them to the namespace',
      )
        .choices(POD_IDS)
        .default('fixed'),
    )
    .option('--scrape-annotations', 'annotate pods with prometheus.io/scrape, port, path and scheme')
    .addOption(new Option('--log-level <level>').choices(['debug', 'info', 'warn', 'error']).default('info'))
    .action(({ namespace = [], kubeQps, kubeBurst, ...flags }: Flags) =>
      exitWith(run({ ...flags, namespaces: namespace, kubeLimits: { qps: kubeQps, burst: kubeBurst } })),
    )
}

async function runOperator(options: OperatorOptions): Promise<number> {
  return (await import('../../operator/main.ts')).runOperator(options)
}

function collect(value: string, before: readonly string[] = []): string[] {
  return [...new Set([...before, value])]
}
