import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, readdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { before, describe, test } from 'node:test'
import { lockFolder } from '../../../src/local/lock.ts'
import { makePrivateFolder, requireFolder } from '../../../src/support/folder.ts'
import { temporaryFolder } from '../../support/temporary-folder.ts'

const root = temporaryFolder()
const USE = { option: '--state-dir', code: 'UNUSABLE' }
const NOBODY = 65534
const isRoot = process.getuid?.() === 0
const at = (name: string) => join(root, name)
const refusal = (path: string) => {
  try {
    requireFolder(path, USE)
  } catch (error) {
    const { code, message } = error as { code: string; message: string }
    assert.equal(code, 'UNUSABLE', message)
    return message
  }
  return undefined
}

describe('one sentence explains why a folder cannot be used', () => {
  before(() => {
    writeFileSync(at('file'), '')
    symlinkSync(at('loop'), at('loop'))
    symlinkSync(at('nowhere'), at('dangling'))
  })
  const cases: [string, string, RegExp][] = [
    ['a file', at('file'), /it is not a folder|is a file/],
    ['under a file', at('file/x/y'), /the path, or one of its parents, is a file/],
    ['under /proc', '/proc/x/y', /folders cannot be created there/],
    ['/proc itself', '/proc', /folders cannot be created there|may not write/],
    ['an empty string', '', /expected the path of a folder/],
    ['blanks', '  ', /expected the path of a folder/],
    ['a null byte', 'a\0b', /expected the path of a folder/],
    ['a loop of links', at('loop/x'), /loop of symbolic links/],
    ['a link to nothing', at('dangling'), /it is not a folder/],
    ['a name too long', at('x'.repeat(300)), /the path is too long/],
    ['a path too long for the files in it', `${root}${'/abcdefgh'.repeat(420)}`, /the path is too long/],
    ['a device', '/dev/null', /it is not a folder|is a file/],
  ]
  for (const [what, path, expected] of cases)
    test(what, () => {
      assert.match(refusal(path) ?? 'accepted', expected)
      assert.match(refusal(path) ?? 'accepted', /^--state-dir "/)
    })

  test('a folder of another user', { skip: isRoot ? false : 'only root can become another user' }, () => {
    mkdirSync(at('of-root'), { mode: 0o755 })
    mkdirSync(at('hidden'), { mode: 0o700 })
    process.seteuid?.(NOBODY)
    try {
      const messages = [refusal(at('of-root')), refusal(at('of-root/x')), refusal(at('hidden/x'))]
      for (const message of messages) assert.match(message ?? 'accepted', /this user may not write there/)
    } finally {
      process.seteuid?.(0)
    }
  })

  test('a read-only or full file system', { skip: isRoot ? false : 'only root can mount' }, () => {
    const [full, readOnly] = [at('full'), at('read-only')]
    for (const folder of [full, readOnly]) mkdirSync(folder)
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', full])
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'ro', 'tmpfs', readOnly])
    try {
      spawnSync('dd', ['if=/dev/zero', `of=${full}/filler`, 'bs=4k'])
      assert.match(refusal(full) ?? 'accepted', /no space is left on the device/)
      assert.deepEqual(readdirSync(full), ['filler'])
      assert.match(refusal(readOnly) ?? 'accepted', /the file system is read-only/)
      assert.match(refusal(join(readOnly, 'x')) ?? 'accepted', /the file system is read-only/)
    } finally {
      for (const folder of [full, readOnly]) execFileSync('umount', [folder])
    }
  })
})

test('a usable folder is created with its parents, and the probe leaves no file in it', () => {
  requireFolder(at('new/deep/er'), USE)
  assert.deepEqual(readdirSync(at('new/deep/er')), [])
})

describe('the state folder', () => {
  const modeOf = (path: string) => statSync(path).mode & 0o777

  for (const umask of [0o000, 0o022, 0o177])
    test(`is closed to other users with umask ${umask.toString(8)}`, async () => {
      const before = process.umask(umask)
      const folder = at(`state-${umask}`)
      try {
        ;(await lockFolder(folder))()
      } finally {
        process.umask(before)
      }
      assert.equal(modeOf(folder), 0o700)
      for (const name of readdirSync(folder)) assert.equal(modeOf(join(folder, name)), 0o700, name)
    })

  test('of an earlier version is closed too', async () => {
    mkdirSync(at('old/logs'), { recursive: true, mode: 0o755 })
    ;(await lockFolder(at('old')))()
    assert.deepEqual([modeOf(at('old')), modeOf(at('old/logs'))], [0o700, 0o700])
  })

  test('keeps its mode if it holds other files, and so do the user’s folders in it', async () => {
    mkdirSync(at('home/logs'), { recursive: true })
    writeFileSync(at('home/letter.txt'), '')
    const [open, logs] = [modeOf(at('home')), modeOf(at('home/logs'))]
    ;(await lockFolder(at('home')))()
    assert.deepEqual([modeOf(at('home')), modeOf(at('home/logs'))], [open, logs])
    assert.equal(modeOf(at('home/state')), 0o700)
  })

  test('has mode 0700 whatever the umask', () => {
    makePrivateFolder(at('private'), false)
    assert.equal(modeOf(at('private')), 0o700)
  })
})

for (const args of [
  ['run', '--state-dir'],
  ['data', 'make', 'jft-mini', '--out'],
])
  for (const path of ['/proc/x', '', at('file/x')])
    test(`downpour ${args.join(' ')} ${JSON.stringify(path)} fails at once with a sentence and no stack`, () => {
      const ended = spawnSync(process.execPath, [resolve('bin/downpour'), ...args, path], {
        encoding: 'utf8',
        timeout: 60_000,
        killSignal: 'SIGKILL',
      })
      assert.equal(ended.status, 1, ended.stderr)
      assert.match(ended.stderr, /^downpour: (STATE_DIR|DATA_OUT)_UNUSABLE: --\S+ "[^\n]*\n$/)
    })
