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
  const printed: string[] = []
  const operator = superviseOperator({
    command: [join(folder, name)],
    kubeconfig: join(folder, 'kubeconfig'),
    stateDir: folder,
    environment: process.env,
    view: { print: (line) => printed.push(line) },
    log: silentLog,
  })
  t.after(async () => {
    await operator.stop()
    rmSync(folder, { recursive: true, force: true })
  })
  return { folder, printed, operator }
}

suite('the operator of a run', () => {
  test('is tried again, with a message, if it cannot be started', async (t) => {
    const { folder, printed } = supervise(t, (at) => `touch ${at}/started; exec sleep 60`, 'comes-later')
    await eventually(() =>
      assert.match(printed[0] ?? '', /^operator could not be started \(.*ENOENT.*\) and is tried again; log: /),
    )
    renameSync(join(folder, 'operator'), join(folder, 'comes-later'))
    await eventually(() => assert.ok(existsSync(join(folder, 'started'))))
  })

  test('is restarted when it ends, with a message how it ended', async (t) => {
    const { printed } = supervise(t, () => 'exit 7')
    await eventually(() => assert.ok(printed.length >= 2, printed.join('\n')))
    assert.match(printed[0] ?? '', /^operator ended \(exit 7\) and is restarted; log: /)
  })

  test('can be stopped, without a message', async (t) => {
    const { folder, printed, operator } = supervise(t, (at) => `touch ${at}/started; exec sleep 60`)
    await eventually(() => assert.ok(existsSync(join(folder, 'started'))))
    await operator.stop()
    assert.deepEqual(printed, [])
  })
})
