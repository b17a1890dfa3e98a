import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { symlinkSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { test } from 'node:test'
import { lockFolder } from '../../../src/local/lock.ts'
import { temporaryFolder } from '../../support/temporary-folder.ts'

const folder = temporaryFolder()
const state = (name: string) => join(folder, name)

test('one holder at a time locks a folder; after its release, another can lock it', async () => {
  const unlock = await lockFolder(state('one'))
  await assert.rejects(lockFolder(state('one')), {
    code: 'ALREADY_RUNNING',
    message: new RegExp(`process ${process.pid}.*--state-dir`),
  })
  unlock()
  ;(await lockFolder(state('one')))()
})

test('a folder is locked under every path that leads to it', async () => {
  const unlock = await lockFolder(state('real'))
  symlinkSync(state('real'), state('alias'))
  await assert.rejects(lockFolder(state('alias')), { code: 'ALREADY_RUNNING' })
  unlock()
})

test('the kernel releases the lock of a killed holder', async () => {
  const source = `import { lockFolder } from ${JSON.stringify(resolve('src/local/lock.ts'))}
    await lockFolder(${JSON.stringify(state('killed'))}); console.log('have it'); setInterval(() => {}, 1000)`
  const holder = spawn(process.execPath, ['--input-type=module-typescript', '-e', source], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await once(holder.stdout, 'data')
  await assert.rejects(lockFolder(state('killed')), {
    code: 'ALREADY_RUNNING',
    details: { stateDir: state('killed'), holder: holder.pid },
  })
  holder.kill('SIGKILL')
  await once(holder, 'exit')
  ;(await lockFolder(state('killed')))()
})
