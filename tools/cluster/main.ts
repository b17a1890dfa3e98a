/** `npm run cluster -- up|load|down|status|kubeconfig`: manages a real Kubernetes cluster for tests, built from Go modules. */
import { relative } from 'node:path'
import { parseArgs } from 'node:util'
import { DownpourError, errorMessage } from '../../src/support/errors.ts'
import { down } from './down.ts'
import { KUBECONFIG } from './paths.ts'
import { loadImages } from './real-node-load.ts'
import type { ClusterOptions } from './state.ts'
import { status } from './status.ts'
import { up } from './up.ts'

const USAGE = `npm run cluster -- VERB [OPTION...]
  up             build missing programs and start missing components
    --version 1.34        Kubernetes version (one with a folder in tools/cluster/modules)
    --nodes 13            number of fake nodes
    --gpus-per-node 8     GPUs of each fake node
    --real-node           add a node that really runs containers (root only); --no-real-node removes it
    --training-operator   also run Kubeflow's training-operator, for comparisons
  load IMAGE...  copy images that \`npm run images\` built onto the real node
  down           end every process, keep the state
    --purge               delete the state too; builds stay
  status         list components with pid and health, and the nodes
  kubeconfig     print the path of the administrator's kubeconfig
`

const OPTIONS = {
  version: { type: 'string' },
  nodes: { type: 'string' },
  'gpus-per-node': { type: 'string' },
  'real-node': { type: 'boolean' },
  'training-operator': { type: 'boolean' },
  purge: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
} as const

const print = (line: string) => process.stdout.write(`${line}\n`)

async function main(args: string[], signal: AbortSignal): Promise<number> {
  const { values, positionals } = parse(args)
  switch (values.help ? 'help' : positionals[0]) {
    case 'up': {
      await up(clusterOptions(values), signal)
      print(`export KUBECONFIG=${relative('', KUBECONFIG)}`)
      return 0
    }
    case 'load':
      await loadImages(images(positionals), signal)
      return 0
    case 'down':
      await down({ purge: values.purge }, signal)
      return 0
    case 'status':
      return (await status(print)) ? 0 : 1
    case 'kubeconfig':
      print(KUBECONFIG)
      return 0
    default:
      process.stderr.write(USAGE)
      return values.help ? 0 : 2
  }
}

function parse(args: string[]) {
  try {
    return parseArgs({ args, options: OPTIONS, allowPositionals: true, allowNegative: true })
  } catch (error) {
    throw new DownpourError('INVALID_OPTION', `${errorMessage(error)}\n${USAGE}`)
  }
}

function clusterOptions(values: ReturnType<typeof parse>['values']): ClusterOptions {
  return {
    version: values.version,
    nodes: wholeNumber('--nodes', values.nodes),
    gpusPerNode: wholeNumber('--gpus-per-node', values['gpus-per-node']),
    realNode: values['real-node'],
    trainingOperator: values['training-operator'],
  }
}

function images([, ...names]: string[]): string[] {
  if (names.length > 0) return names
  throw new DownpourError(
    'INVALID_OPTION',
    'expected image names after `load`; `npm run images` prints the names of those it builds',
  )
}

function wholeNumber(name: string, text: string | undefined): number | undefined {
  if (text === undefined || /^\d{1,5}$/.test(text)) return text === undefined ? undefined : Number(text)
  throw new DownpourError('INVALID_OPTION', `expected ${name} to be a whole number, got \`${text}\``)
}

const interrupted = new AbortController()
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, () => interrupted.abort())
try {
  process.exitCode = await main(process.argv.slice(2), interrupted.signal)
} catch (error) {
  const aborted = interrupted.signal.aborted
  process.stderr.write(
    aborted ? 'cluster: interrupted; `up` continues from here\n' : `cluster: ${errorMessage(error)}\n`,
  )
  process.exitCode = aborted ? 130 : 1
}
