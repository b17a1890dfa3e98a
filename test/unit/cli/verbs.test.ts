import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { test } from 'node:test'
import { Command } from 'commander'
import { calledVerb, VERBS } from '../../../src/cli/verbs.ts'

test('the table of verbs has a line for each file of verbs/, and each file registers its verb', async () => {
  const files = readdirSync('src/cli/verbs').map((name) => name.replace(/\.ts$/, ''))
  assert.deepEqual(Object.keys(VERBS).sort(), files.sort())
  for (const [name, { load }] of Object.entries(VERBS)) {
    const command = new Command(name)
    ;(await load()).register(command)
    const words = command.options.length + command.registeredArguments.length + command.commands.length
    assert.ok(words > 0 || name === 'presets', `${name} registers options, arguments or verbs of its own`)
  }
})

test('the verb that is called is the first word, also where help is asked for', () => {
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
