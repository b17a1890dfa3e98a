/** What commander leaves open: help that is asked of a verb that does not exist, and what exit codes mean. */
import type { Command } from 'commander'

const HELP = ['-h', '--help', 'help']

export const EXIT_CODES = `
Exit codes:
  0    done; of run: every job succeeded; of validate, verify, inspect: nothing is wrong
  1    something is wrong; the last lines say what, and errors begin with a code (YAML_INVALID, INVALID_JOB, ...)
  2    data inspect: nothing is damaged, but something that looks like data is passed over
  130  interrupted
  ps, worker and evaluate end with the codes that the operator decides by (docs/cli.md)
`

/** Commander would answer `nope --help` with its own help and 0: without the wish for help it refuses `nope`. */
export function refusableArguments(program: Command, args: readonly string[]): string[] {
  return hasUnknownVerb(program, args) ? args.filter((arg) => !HELP.includes(arg)) : [...args]
}

function hasUnknownVerb(program: Command, args: readonly string[]): boolean {
  let group = program
  for (const arg of args) {
    if (arg.startsWith('-') || arg === 'help') continue
    if (group.commands.length === 0) return false
    const next = group.commands.find((command) => command.name() === arg || command.aliases().includes(arg))
    if (!next) return true
    group = next
  }
  return false
}
