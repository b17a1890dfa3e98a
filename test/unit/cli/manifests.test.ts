import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { readManifests } from '../../../src/cli/manifests.ts'
import { pretrain } from '../../support/job-cases.ts'
import { fileWith } from './io.ts'

suite('files with objects', () => {
  test('hold as many as they have documents, in their order; empty documents do not count', async (t) => {
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

  test('that are not there are named, with the reason of the system', async () => {
    await assert.rejects(readManifests(['/nowhere/x.yaml']), {
      code: 'FILE_UNREADABLE',
      message: /^\/nowhere\/x\.yaml: cannot be read: ENOENT/,
    })
  })

  test('that are no YAML are named, with the line', async (t) => {
    const file = await fileWith(t, 'kind: PretrainJob\nspec: [\n')
    await assert.rejects(readManifests([file]), {
      code: 'YAML_INVALID',
      message: /job\.yaml: not YAML: [\s\S]*\(\d+:\d+\)/,
    })
  })

  test('that are empty are named', async (t) => {
    const file = await fileWith(t, '# nothing\n')
    await assert.rejects(readManifests([file]), { code: 'YAML_EMPTY', message: `${file}: no object in this file` })
  })

  for (const [what, text, message] of [
    ['a list', '[1]', /document 1: apiVersion: undefined: expected a text/],
    ['a text', 'hello', /document 1: apiVersion: undefined/],
    ['a number for a kind', 'apiVersion: v1\nkind: 3\nmetadata: { name: a }', /document 1: kind: 3: expected a text/],
    ['no name', 'apiVersion: v1\nkind: A\nmetadata: {}', /document 1: metadata\.name: undefined/],
    [
      'an empty name',
      'apiVersion: v1\nkind: A\nmetadata: { name: "" }',
      /document 1: metadata\.name: "": expected a text/,
    ],
    [
      'no metadata, after a right one',
      'apiVersion: v1\nkind: A\nmetadata: { name: a }\n---\napiVersion: v1\nkind: A',
      /document 2: metadata\.name/,
    ],
  ] as const) {
    test(`that hold ${what} are refused with document and field`, async (t) => {
      await assert.rejects(readManifests([await fileWith(t, text)]), { code: 'YAML_NOT_AN_OBJECT', message })
    })
  }
})
