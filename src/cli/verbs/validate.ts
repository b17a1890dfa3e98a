/** `downpour validate`: reports every error in job files without contacting a cluster, as lines or as JSON. */
import type { Command } from 'commander'
import { issueText, labelOf, validateJob } from '../../api/parse.ts'
import { shownAt } from '../../api/secrets.ts'
import { warningLines } from '../../api/warnings.ts'
import { GROUP, JOB_KINDS } from '../../contract/names.ts'
import { DownpourError, errorCode, errorMessage } from '../../support/errors.ts'
import { printableText } from '../../support/printable.ts'
import { shownValue } from '../../support/shown.ts'
import { type CliIo, exitWith, processIo } from '../io.ts'
import { type Manifest, readManifests, withoutDuplicates } from '../manifests.ts'

/** An item of `problems` in the output of `--json`; docs/cli.md describes it. */
interface Problem {
  /** YAML_*, FILE_UNREADABLE: the file could not be read as objects. INVALID_JOB: a job in it is wrong. */
  code: string
  file: string
  document?: number | undefined
  line?: number | undefined
  kind?: string | undefined
  name?: string | undefined
  path?: string | undefined
  /** The field's value as JSON, shortened if it is long. Absent if the field is missing. */
  value?: string | undefined
  expected?: string | undefined
  message: string
  /** The line that `validate` prints for it without --json. */
  text: string
}

interface Checked {
  /** One line for each valid job and for each object that is not a job. */
  lines: string[]
  /** Of jobs that are valid, but probably not what the user wants. */
  warnings: string[]
  jobs: number
  others: number
  problems: Problem[]
}

/** Limits the output for a job with very many problems. */
const MAX_LINES = 200
const DUPLICATE = 'another job has this kind and name; applied last, this one would replace it'

export function register(command: Command): void {
  command
    .argument('<files...>', "YAML files; '-' is standard input")
    .option('--json', 'print one JSON object instead of lines: { valid, jobs, otherObjects, problems, warnings }')
    .action((files: string[], options) => exitWith(validateFiles(files, processIo(), options)))
}

/**
 * Reads every file, even if an earlier one is broken. The last line counts jobs and problems.
 * @returns the exit code: 1 if there is any problem
 */
export async function validateFiles(
  files: readonly string[],
  { out, err }: CliIo,
  { json = false }: { json?: boolean } = {},
): Promise<number> {
  const checked = await checkFiles(files)
  const { problems } = checked
  if (json) out.write(`${JSON.stringify(reportOf(checked), null, 2)}\n`)
  else {
    for (const { text } of problems.slice(0, MAX_LINES)) err.write(`${printableText(text)}\n`)
    if (problems.length > MAX_LINES) err.write(`... and ${problems.length - MAX_LINES} more (--json shows all)\n`)
    for (const line of checked.warnings) err.write(`${printableText(line)}\n`)
    for (const line of [...checked.lines, summaryOf(checked)]) out.write(`${printableText(line)}\n`)
  }
  return problems.length > 0 ? 1 : 0
}

function reportOf({ jobs, others, problems, warnings }: Checked) {
  return {
    valid: problems.length === 0,
    jobs,
    otherObjects: others,
    problems: problems.map(({ text: _, ...one }) => one),
    warnings,
  }
}

function summaryOf({ jobs, others, problems }: Checked): string {
  const skipped = others > 0 ? `; ${count(others, 'other object')} skipped` : ''
  return `${count(jobs, 'job')} checked, ${count(problems.length, 'problem')}${skipped}`
}

async function checkFiles(files: readonly string[]): Promise<Checked> {
  const checked: Checked = { lines: [], warnings: [], jobs: 0, others: 0, problems: [] }
  const seen = new Set<string>()
  for (const file of withoutDuplicates(files)) {
    for (const manifest of await manifestsOf(file, checked)) checkManifest(manifest, seen, checked)
  }
  return checked
}

async function manifestsOf(file: string, { problems }: Checked): Promise<Manifest[]> {
  try {
    return await readManifests([file])
  } catch (error) {
    if (!(error instanceof DownpourError)) throw error
    const { document, line, path, value } = error.details as Partial<Problem>
    const place = { document, line, path, ...(value === undefined ? {} : { value: shownValue(value) }) }
    const message = errorMessage(error)
    problems.push({ code: errorCode(error), file, ...place, message, text: message })
    return []
  }
}

function checkManifest(manifest: Manifest, seen: Set<string>, checked: Checked): void {
  const { file, object } = manifest
  const label = `${file}: ${labelOf(object)}`
  if (!isOfOurGroup(object)) {
    checked.others += 1
    checked.lines.push(`${label}: not a job, skipped`)
    return
  }
  checked.jobs += 1
  const issues = validateJob(object)
  const { name, namespace } = object.metadata
  const key = JSON.stringify([object.kind, namespace ?? 'default', name])
  if (name && seen.has(key)) {
    issues.push({ path: 'metadata.name', value: undefined, expected: 'a unique name', message: DUPLICATE })
  }
  seen.add(key)
  if (issues.length === 0) {
    checked.lines.push(`${label}: valid`)
    checked.warnings.push(...warningLines(label, object))
  }
  const { document, line } = manifest
  const head = {
    code: 'INVALID_JOB',
    file,
    document,
    line,
    kind: object.kind,
    name: name || object.metadata.generateName,
  }
  for (const issue of issues) {
    const { path, value, expected, message } = issue
    const shown = value === undefined ? {} : { value: shownAt(path, value) }
    checked.problems.push({ ...head, path, ...shown, expected, message, text: `${label}: ${issueText(issue)}` })
  }
}

/** True for any kind of our API group, so that a mistyped kind is reported as a problem. */
function isOfOurGroup({ apiVersion, kind }: Manifest['object']): boolean {
  return JOB_KINDS.some((known) => known === kind) || apiVersion.startsWith(`${GROUP}/`)
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`
}
