/** Additions to commander's help: an error for the help of an unknown verb, and the exit codes. */
import type { Command } from 'commander'

const HELP = ['-h', '--help', 'help']

export const EXIT_CODES = `
Exit codes:
  0    success; run: every job succeeded; validate, checkpoint verify, data inspect: no problem found
  1    failure; the last lines say why, and errors begin with a code (YAML_INVALID, INVALID_JOB, ...)
  2    data inspect: no damage, but files that look like data are not read
  130  interrupted
  The exit codes of ps, worker and evaluator tell the operator how to react (docs/cli.md).
`

/**
 * Removes the help flags if the verb is unknown, so that commander fails. With them it would print its own help for
 * `nope --help` and exit with 0.
 */
export function withoutHelpOfUnknownVerb(program: Command, args: readonly string[]): string[] {
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
