import assert from 'node:assert/strict'
import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { writeOutput } from '../../../src/interchange/output.ts'
import { CANNOT_MOUNT, mountSmallDisk } from '../../support/small-disk.ts'
import { temporaryFolder } from '../../support/temporary-folder.ts'

const root = temporaryFolder()

async function writeFile(folder: string): Promise<string> {
  writeFileSync(join(folder, 'new'), 'new')
  return join(folder, 'new')
}

test('a file or a folder appears under its name, in folders that are created', async () => {
  await writeOutput(join(root, 'a/b/file'), writeFile)
  assert.equal(readFileSync(join(root, 'a/b/file'), 'utf8'), 'new')
  await writeOutput(join(root, 'a/folder'), async (folder) => {
    await writeFile(folder)
    return folder
  })
  assert.deepEqual(readdirSync(join(root, 'a/folder')), ['new'])
  assert.deepEqual(readdirSync(join(root, 'a')).sort(), ['b', 'folder'], 'no hidden folder is left')
  assert.deepEqual(readdirSync(join(root, 'a/b')), ['file'])
})

test('what exists is kept, even what appears meanwhile', async () => {
  const target = join(root, 'kept')
  writeFileSync(target, 'old')
  await assert.rejects(writeOutput(target, writeFile), {
    code: 'OUTPUT_EXISTS',
    message: /kept exists; nothing was written/,
  })
  const meanwhile = join(root, 'meanwhile')
  const slow = async (folder: string) => {
    writeFileSync(meanwhile, 'other')
    return writeFile(folder)
  }
  await assert.rejects(writeOutput(meanwhile, slow), { code: 'OUTPUT_EXISTS' })
  assert.deepEqual(
    [target, meanwhile].map((path) => readFileSync(path, 'utf8')),
    ['old', 'other'],
  )
  assert.deepEqual(
    readdirSync(root).filter((name) => name.startsWith('.')),
    [],
  )
})

test('a failure leaves nothing, not even the folders that were created for it', async () => {
  const failing = async (folder: string): Promise<string> => {
    await writeFile(folder)
    throw new Error('stopped')
  }
  await assert.rejects(writeOutput(join(root, 'x/y/z'), failing), /stopped/)
  assert.ok(!readdirSync(root).includes('x'))
  mkdirSync(join(root, 'mine'))
  await assert.rejects(writeOutput(join(root, 'mine/z'), failing), /stopped/)
  assert.deepEqual(readdirSync(join(root, 'mine')), [], 'a folder of the user stays')
})

test('a link that leads nowhere is kept', async () => {
  symlinkSync(join(root, 'nowhere'), join(root, 'link'))
  await assert.rejects(writeOutput(join(root, 'link'), writeFile), { code: 'OUTPUT_EXISTS' })
})

test('a text that names no file is refused', async () => {
  for (const target of ['', ' ', `${join(root, 'folder')}/`])
    await assert.rejects(writeOutput(target, writeFile), {
      code: 'OUTPUT_UNUSABLE',
      message: /expected the path of a new/,
    })
})

test('a full disk is named, and keeps nothing of the output', { skip: CANNOT_MOUNT }, async (t) => {
  const disk = mountSmallDisk(join(root, 'disk'), '64k')
  t.after(disk.unmount)
  const large = async (folder: string) => {
    writeFileSync(join(folder, 'large'), Buffer.alloc(1 << 20))
    return join(folder, 'large')
  }
  const message = /disk\/x cannot be written: no space is left on the device/
  await assert.rejects(writeOutput(join(disk.folder, 'x'), large), { code: 'OUTPUT_UNUSABLE', message })
  assert.deepEqual(readdirSync(disk.folder), [])
})

test('a place where nothing can be created is named', async () => {
  writeFileSync(join(root, 'file'), '')
  await assert.rejects(writeOutput(join(root, 'file/x'), writeFile), {
    code: 'OUTPUT_UNUSABLE',
    message: /file\/x cannot be written: /,
  })
})
