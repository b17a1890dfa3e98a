import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { test } from 'node:test'
import { Command } from 'commander'
import { calledVerb, VERBS } from '../../../src/cli/verbs.ts'

test('the table of verbs has an entry for each file of verbs/, and each file registers its verb', async () => {
  const files = readdirSync('src/cli/verbs').map((name) => name.replace(/\.ts$/, ''))
  assert.deepEqual(Object.keys(VERBS).sort(), files.sort())
  for (const [name, { load }] of Object.entries(VERBS)) {
    const command = new Command(name)
    ;(await load()).register(command)
    const registered = command.options.length + command.registeredArguments.length + command.commands.length
    assert.ok(registered > 0 || name === 'presets', `${name} registers options, arguments or subcommands`)
  }
})

test('the called verb is the first argument that is neither a flag nor help', () => {
  for (const [args, verb] of [
    ['render a.yaml', 'render'],
    ['help data', 'data'],
    ['--help checkpoint list', 'checkpoint'],
    ['data help make', 'data'],
    ['nope render', undefined],
    ['constructor', undefined],
    ['--version', undefined],
    ['', undefined],
  ] as const)
    assert.equal(calledVerb(args.split(' ').filter(Boolean)), verb, args)
})
