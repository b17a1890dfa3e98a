/** Reads the description of a machine, and fills in the costs that it leaves out. */
import type { z } from 'zod'
import type { Issue } from '../../api/issue.ts'
import { issueOf } from '../../api/issues.ts'
import { didYouMean } from '../../api/known-fields.ts'
import { issueText } from '../../api/parse.ts'
import { ASSUMED_NETWORK } from '../../simulate/assumed.ts'
import { type Compute, type Costs, completeCosts, MachineDescription } from '../../simulate/machine.ts'
import measured from '../../simulate/measured.json' with { type: 'json' }
import { DownpourError, errorCode, errorMessage } from '../../support/errors.ts'
import { isFields, valueAt } from '../../support/fields.ts'
import { readYaml } from '../../support/yaml.ts'
import { readText } from '../read-text.ts'

export interface Machine {
  costs: Costs
  compute: Partial<Compute>
  /** Every cost with its path and where it comes from. */
  sources: readonly CostSource[]
}

export interface CostSource {
  /** @example server.secondsPerRequest */
  path: string
  value: number
  from: string
}

const DEFAULTS: Costs = { ...measured.costs, network: ASSUMED_NETWORK }
const COMPUTE_FIELDS = ['secondsPerStep', 'imagesPerSecond', 'variation']
const FROM_BENCH = `default: ${measured.costsFrom}, ${measured.costsMachine}`
const FROM_ASSUMPTION = 'default: assumed'

/** @param file absent: the defaults. @throws DownpourError FILE_UNREADABLE, YAML_*, MACHINE_INVALID */
export async function readMachine(file: string | undefined): Promise<Machine> {
  if (file === undefined) return machineOf({}, '')
  return machineOf(parseMachine(await readYamlObject(file), file), file)
}

async function readYamlObject(file: string): Promise<unknown> {
  const text = await readText(file)
  try {
    const documents = readYaml(text).filter(({ value }) => value !== null)
    if (documents.length === 1) return documents[0]?.value
    const message = `${file}: ${documents.length} documents: expected one, the description of a machine`
    throw new DownpourError('MACHINE_INVALID', message, { file })
  } catch (error) {
    if (errorCode(error) === 'MACHINE_INVALID') throw error
    throw new DownpourError(errorCode(error), `${file}: ${errorMessage(error)}`, { file }, { cause: error })
  }
}

function parseMachine(raw: unknown, file: string): MachineDescription {
  const parsed = MachineDescription.safeParse(raw)
  if (parsed.success) return parsed.data
  const issues = parsed.error.issues.flatMap((issue) => machineIssues(issue, raw))
  const lines = issues.map((issue) => `${file}: ${issueText(issue)}`)
  throw new DownpourError('MACHINE_INVALID', lines.join('\n'), { issues })
}

function machineIssues(issue: z.core.$ZodIssue, raw: unknown): Issue[] {
  const path = issue.path.join('.')
  if (issue.code === 'unrecognized_keys')
    return issue.keys.map((key) => ({
      path: path === '' ? key : `${path}.${key}`,
      value: valueAt(raw, [...issue.path, key]),
      expected: 'a known field',
      message: `unknown field${didYouMean(key, key, fieldNames())}`,
    }))
  return issueOf(issue, '', raw).map((one) => ({ ...one, path: path === '' ? 'machine' : path }))
}

function fieldNames(): string[] {
  const names = pathsOf(DEFAULTS).flatMap(({ path }) => path.split('.'))
  return [...new Set([...names, 'compute', ...COMPUTE_FIELDS])]
}

function machineOf(given: MachineDescription, file: string): Machine {
  const costs = completeCosts(given, DEFAULTS)
  const sources = pathsOf(costs).map(({ path, value }) => ({ path, value, from: sourceOf(path, given, file) }))
  return { costs, compute: given.compute ?? {}, sources }
}

function sourceOf(path: string, given: MachineDescription, file: string): string {
  if (valueAt(given, path.split('.')) !== undefined) return file
  return path.startsWith('network.') ? FROM_ASSUMPTION : FROM_BENCH
}

function pathsOf(fields: object): { path: string; value: number }[] {
  return Object.entries(fields).flatMap(([name, value]) =>
    isFields(value)
      ? pathsOf(value).map((inner) => ({ ...inner, path: `${name}.${inner.path}` }))
      : [{ path: name, value }],
  )
}
