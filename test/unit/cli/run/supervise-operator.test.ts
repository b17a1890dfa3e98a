import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite, type TestContext, test } from 'node:test'
import { superviseOperator } from '../../../../src/cli/run/supervise-operator.ts'
import { silentLog } from '../../../../src/support/log.ts'
import { eventually } from '../../../support/eventually.ts'

function supervise(t: TestContext, script: (folder: string) => string, name = 'operator') {
  const folder = mkdtempSync(join(tmpdir(), 'downpour-operator-'))
  writeFileSync(join(folder, 'operator'), `#!/bin/sh\n${script(folder)}\n`, { mode: 0o755 })
  const said: string[] = []
  const operator = superviseOperator({
    command: [join(folder, name)],
    kubeconfig: join(folder, 'kubeconfig'),
    stateDir: folder,
    environment: process.env,
    view: { print: (line) => said.push(line) },
    log: silentLog,
  })
  t.after(async () => {
    await operator.stop()
    rmSync(folder, { recursive: true, force: true })
  })
  return { folder, said, operator }
}

suite('the operator beside a run', () => {
  test('that cannot be started is said so and tried again, and the run lives on', async (t) => {
    const { folder, said } = supervise(t, (at) => `touch ${at}/started; exec sleep 60`, 'comes-later')
    await eventually(() =>
      assert.match(said[0] ?? '', /^operator could not be started \(.*ENOENT.*\) and is tried again; log: /),
    )
    renameSync(join(folder, 'operator'), join(folder, 'comes-later'))
    await eventually(() => assert.ok(existsSync(join(folder, 'started'))))
  })

  test('that ends is replaced, and how it ended is told', async (t) => {
    const { said } = supervise(t, () => 'exit 7')
    await eventually(() => assert.ok(said.length >= 2, said.join('\n')))
    assert.match(said[0] ?? '', /^operator ended \(exit 7\) and is restarted; log: /)
  })

  test('ends when it is told to, without a word', async (t) => {
    const { folder, said, operator } = supervise(t, (at) => `touch ${at}/started; exec sleep 60`)
    await eventually(() => assert.ok(existsSync(join(folder, 'started'))))
    await operator.stop()
    assert.deepEqual(said, [])
  })
})
