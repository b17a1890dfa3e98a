import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { dirname, relative } from 'node:path'
import { suite, test } from 'node:test'
import { readManifests } from '../../../src/cli/manifests.ts'
import { pretrain } from '../../support/job-cases.ts'
import { fileWith } from './io.ts'

suite('reading objects from files', () => {
  test('returns an object for each document, in order; empty documents are skipped', async (t) => {
    const one = await fileWith(t, [pretrain({}, 'a'), pretrain({}, 'b')], 'one.yaml')
    const two = await fileWith(t, `---\n---\n${JSON.stringify(pretrain({}, 'c'))}\n---\n`, 'two.yaml')
    const read = await readManifests([one, two])
    assert.deepEqual(
      read.map(({ file, object }) => [file, object.metadata.name]),
      [
        [one, 'a'],
        [one, 'b'],
        [two, 'c'],
      ],
    )
  })

  test('names a missing file, with the error of the system', async () => {
    await assert.rejects(readManifests(['/nowhere/x.yaml']), {
      code: 'FILE_UNREADABLE',
      message: /^\/nowhere\/x\.yaml: cannot be read: ENOENT/,
    })
  })

  test('reads a file once, even if it is named twice by different paths', async (t) => {
    const file = await fileWith(t, [pretrain()])
    assert.equal((await readManifests([file, relative(process.cwd(), file), file])).length, 1)
  })

  test('names all unreadable files at once', async (t) => {
    const files = ['/nowhere/x.yaml', await fileWith(t, 'kind: ['), await fileWith(t, '# nothing\n'), '/nowhere/y.yaml']
    await assert.rejects(readManifests(files), (error: Error & { code: string }) => {
      assert.equal(error.code, 'FILE_UNREADABLE')
      const named = error.message.split('\n').map((line) => files.find((file) => line.startsWith(`${file}: `)))
      assert.deepEqual(named, files)
      return true
    })
  })

  test('names a file that is not YAML, with the line', async (t) => {
    const file = await fileWith(t, 'kind: PretrainJob\nspec: [\n')
    await assert.rejects(readManifests([file]), {
      code: 'YAML_INVALID',
      message: /job\.yaml: not YAML: document 1, line \d+, column \d+: /,
    })
  })

  test('names an empty file', async (t) => {
    const file = await fileWith(t, '# nothing\n')
    await assert.rejects(readManifests([file]), { code: 'YAML_EMPTY', message: `${file}: no object in this file` })
  })

  for (const [what, text, message] of [
    ['a list', '[1]', /document 1, line 1: apiVersion: is missing/],
    ['a string', 'hello', /document 1, line 1: apiVersion: is missing/],
    [
      'a number as kind',
      'apiVersion: v1\nkind: 3\nmetadata: { name: a }',
      /document 1, line 1: kind: 3: expected a text/,
    ],
    ['no name', 'apiVersion: v1\nkind: A\nmetadata: {}', /document 1, line 1: metadata\.name: is missing/],
    [
      'an empty name',
      'apiVersion: v1\nkind: A\nmetadata: { name: "" }',
      /document 1, line 1: metadata\.name: "": expected a text/,
    ],
    [
      'no metadata, after a valid document',
      'apiVersion: v1\nkind: A\nmetadata: { name: a }\n---\napiVersion: v1\nkind: A',
      /document 2, line 5: metadata\.name/,
    ],
  ] as const) {
    test(`refuses ${what}, and names document and field`, async (t) => {
      await assert.rejects(readManifests([await fileWith(t, text)]), { code: 'YAML_NOT_AN_OBJECT', message })
    })
  }
})

suite('hostile YAML is refused quickly, with a code, document and line', () => {
  const laughs = [...Array(20).keys()].map((i) => `a${i + 1}: &a${i + 1} [${Array(9).fill(`*a${i}`).join(',')}]`)
  const nested = '['.repeat(5_000)
  for (const [what, text, code, message] of [
    ['a billion laughs', `a0: &a0 [x]\n${laughs.join('\n')}`, 'YAML_TOO_LARGE', /document 1, line \d+: more than /],
    ['an anchor that holds itself', 'a: 1\n---\nb: &x\n  - *x', 'YAML_CYCLIC', /document 2, line 4: the anchor "x"/],
    ['nesting', nested, 'YAML_TOO_DEEP', /document 1, line 1/],
    ['a JavaScript tag', 'a: 1\n---\nb: !!js/function x', 'YAML_INVALID', /document 2, line 3, column 4/],
    ['a key twice', 'a: 1\na: 2', 'YAML_INVALID', /document 1, line 2, column 1: duplicated/],
    ['more than the limit', `# ${'x'.repeat(4 * 2 ** 20)}`, 'YAML_TOO_LARGE', /larger than 3 MiB/],
  ] as const) {
    test(what, { timeout: 10_000 }, async (t) => {
      await assert.rejects(readManifests([await fileWith(t, text)]), { code, message })
    })
  }

  test('a folder, a named pipe and UTF-16 each have their own message', async (t) => {
    const file = await fileWith(t, '')
    const pipe = `${file}.pipe`
    execFileSync('mkfifo', [pipe])
    await writeFile(file, Buffer.from('\ufeffa: 1', 'utf16le'))
    await assert.rejects(readManifests([dirname(file)]), { code: 'FILE_UNREADABLE', message: /it is a folder/ })
    await assert.rejects(readManifests([pipe]), { code: 'FILE_UNREADABLE', message: /it is a named pipe/ })
    await assert.rejects(readManifests([file]), { code: 'YAML_NOT_TEXT', message: /UTF-16/ })
  })

  test('scalars and merge keys are read as kubectl reads them', async (t) => {
    const text =
      'apiVersion: v1\nkind: A\nx: &x { a: 0777, b: yes }\nq: { <<: *x, a: 2020-01-01 }\nmetadata: { name: a }'
    const [manifest] = await readManifests([await fileWith(t, text)])
    const read = manifest?.object as unknown as { x: object; q: object } | undefined
    assert.deepEqual(
      [read?.x, read?.q],
      [
        { a: 511, b: true },
        { a: '2020-01-01', b: true },
      ],
    )
  })
})

test('lists are flattened, also nested ones, and the items of a PretrainJobList get its kind', async (t) => {
  const items = [{ metadata: { name: 'a' } }]
  const jobs = { apiVersion: 'downpour.dev/v1alpha1', kind: 'PretrainJobList', items }
  const file = await fileWith(t, [{ apiVersion: 'v1', kind: 'List', items: [jobs, pretrain({}, 'b')] }])
  const read = await readManifests([file])
  assert.deepEqual(
    read.map(({ object }) => [object.kind, object.metadata.name]),
    [
      ['PretrainJob', 'a'],
      ['PretrainJob', 'b'],
    ],
  )
})
