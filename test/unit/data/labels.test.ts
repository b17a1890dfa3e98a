import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import promises, { symlink, truncate, writeFile } from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'
import { join } from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import { hierarchyDepth } from '../../../src/data/hierarchy.ts'
import { createLabelMap, type Label, readLabels } from '../../../src/data/labels.ts'
import { temporaryFolder } from '../../support/temporary-folder.ts'
import { FRUIT, holdsAll } from './builders.ts'

const folder = temporaryFolder()

test('closing a label adds its ancestors: apple is fruit is thing', () => {
  const map = createLabelMap(FRUIT)
  assert.deepEqual(
    FRUIT.map(({ id }) => map.ancestorsOf(id)),
    [[], [0], [0, 1], [0]],
  )
  assert.deepEqual(map.close([2]), [2, 0, 1])
  assert.deepEqual(map.close([3, 2]), [3, 2, 0, 1])
  assert.deepEqual(map.close([]), [])
})

test('an ancestor on two paths is added once', () => {
  const diamond = [[], [0], [0], [1, 2]].map((parents, id) => ({ id, name: `${id}`, parents }))
  assert.deepEqual(createLabelMap(diamond).close([3]), [3, 0, 1, 2])
})

/** Any graph without cycles: parents have lower ids, then all ids are permuted. */
const forests: fc.Arbitrary<Label[]> = fc
  .array(fc.array(fc.nat(), { maxLength: 3 }), { minLength: 1, maxLength: 12 })
  .chain((rows) => fc.tuple(fc.constant(rows), fc.shuffledSubarray([...rows.keys()], { minLength: rows.length })))
  .map(([rows, nameOf]) =>
    rows
      .map((parents, id) => ({
        id: nameOf[id] as number,
        parents: id === 0 ? [] : parents.map((p) => nameOf[p % id] as number),
      }))
      .sort((a, b) => a.id - b.id)
      .map((label) => ({ ...label, name: `label ${label.id}` })),
  )

test('closing is idempotent and monotonic, and adds every parent', () => {
  fc.assert(
    fc.property(forests, fc.array(fc.nat()), fc.array(fc.nat()), (labels, some, others) => {
      const map = createLabelMap(labels)
      const ids = some.map((id) => id % labels.length)
      const more = [...ids, ...others.map((id) => id % labels.length)]
      const closed = map.close(ids)
      assert.deepEqual(map.close(closed), closed)
      assert.ok(holdsAll(new Set(map.close(more)), closed))
      for (const id of closed) for (const parent of labels[id]?.parents ?? []) assert.ok(closed.includes(parent))
    }),
  )
})

test('a cycle of any length is refused with the name of a label in it', () => {
  for (const length of [1, 2, 5]) {
    const ring = Array.from({ length }, (_, id) => ({ id, name: `ring ${id}`, parents: [(id + 1) % length] }))
    assert.throws(() => createLabelMap(ring, 'labels.json'), {
      code: 'LABELS_INVALID',
      message: 'labels.json: label 0 (ring 0) is its own ancestor',
    })
  }
})

test('a cycle is found below and beside a chain, and no label outside of the cycle is named', () => {
  const rows = [[], [0], [4], [2], [3], [1]]
  const labels = rows.map((parents, id) => ({ id, name: `n${id}`, parents }))
  assert.throws(() => createLabelMap(labels), { message: /label 2 \(n2\) is its own ancestor/ })
  const below = [[1], [2], [1]].map((parents, id) => ({ id, name: `n${id}`, parents }))
  assert.throws(() => createLabelMap(below), { message: /label 1 \(n1\) is its own ancestor/ })
})

test('the ancestors of a label are all labels above it, also in repeated calls', () => {
  fc.assert(
    fc.property(forests, (labels) => {
      const map = createLabelMap(labels)
      for (const { id, parents } of labels) {
        const expected = new Set(parents.flatMap((parent) => [parent, ...map.ancestorsOf(parent)]))
        assert.deepEqual(
          map.ancestorsOf(id),
          [...expected].sort((a, b) => a - b),
        )
        assert.deepEqual(
          map.ancestorsOf(id),
          [...expected].sort((a, b) => a - b),
        )
      }
    }),
  )
})

test('a chain as deep as the number of labels, and a million flat labels, are read in time', {
  timeout: 20_000,
}, () => {
  const length = 200_000
  const chain = Array.from({ length }, (_, id) => ({ id, name: '', parents: id === 0 ? [] : [id - 1] }))
  assert.equal(createLabelMap(chain).close([length - 1]).length, length)
  assert.equal(hierarchyDepth(chain), length)
  const flat = Array.from({ length: 1_000_000 }, (_, id) => ({ id, name: '', parents: [] }))
  assert.equal(createLabelMap(flat).size, 1_000_000)
  assert.equal(hierarchyDepth(flat), 1)
})

test('ids out of order and unknown parents are refused with their position', () => {
  assert.throws(() => createLabelMap([{ id: 1, name: 'a', parents: [] }], 'f'), {
    code: 'LABELS_INVALID',
    message: /f: entry 0 has id 1/,
  })
  assert.throws(() => createLabelMap([{ id: 0, name: 'a', parents: [7] }], 'f'), {
    message: /f: label 0 has parent 7, which is not in the file/,
  })
})

test('a label outside of the hierarchy is refused with the valid range', () => {
  const map = createLabelMap(FRUIT, 'labels.json')
  for (const strange of [4, -1, 1.5]) {
    assert.throws(() => map.close([2, strange]), {
      code: 'LABEL_UNKNOWN',
      message: `label ${strange} is not in labels.json (0 to 3)`,
    })
  }
})

test('a labels file that is missing, not JSON, or of another shape is refused with its path', async () => {
  const path = join(folder, 'labels.json')
  await assert.rejects(readLabels(path), { code: 'DATA_MISSING', message: /labels\.json: cannot be read .*"id": 0/ })
  await writeFile(path, '[{')
  await assert.rejects(readLabels(path), { code: 'LABELS_INVALID', message: /labels\.json: not JSON/ })
  await writeFile(path, '[{"id":0,"name":"a"}]')
  await assert.rejects(readLabels(path), { code: 'LABELS_INVALID', message: /labels\.json: 0\.parents: / })
  await writeFile(path, JSON.stringify(FRUIT))
  assert.equal((await readLabels(path)).size, 4)
})

test('a labels file that is huge or endless is refused; one with inherited property names is read', async () => {
  const path = join(folder, 'hostile.json')
  await writeFile(path, '')
  await truncate(path, 600_000_000)
  await assert.rejects(readLabels(path), { code: 'DATA_UNREADABLE', message: /600000000/ })
  const deep = '['.repeat(200_000) + ']'.repeat(200_000)
  for (const text of [deep, `[{"id":0,"name":${deep},"parents":[]}]`, `[{"id":0,"name":"a","parents":${deep}}]`]) {
    await writeFile(path, text)
    await assert.rejects(readLabels(path), { code: 'LABELS_INVALID' })
  }
  await writeFile(path, '[{"id":0,"name":"__proto__","parents":[]},{"id":1,"name":"toString","parents":[0]}]')
  const map = await readLabels(path)
  assert.deepEqual([map.size, map.close([1])], [2, [1, 0]])
})

test('a byte order mark before a labels file is ignored; bytes that are not UTF-8 are refused', async () => {
  const path = join(folder, 'encoded.json')
  const text = JSON.stringify([{ id: 0, name: 'caf\u00e9', parents: [] }])
  await writeFile(path, `\ufeff${text}`)
  assert.equal((await readLabels(path)).labels[0]?.name, 'caf\u00e9')
  for (const encoding of ['latin1', 'utf16le'] as const) {
    await writeFile(path, Buffer.from(`\ufeff${text}`, encoding))
    await assert.rejects(
      readLabels(path),
      { code: 'LABELS_INVALID', message: /: not UTF-8; save it as UTF-8/ },
      encoding,
    )
  }
  await writeFile(path, '{"0": "ant"}')
  await assert.rejects(readLabels(path), { message: /encoded\.json: / })
})

test('a labels file that is a loop of links, a pipe or a folder is bad data', async () => {
  const loop = join(folder, 'loop.json')
  await symlink(loop, loop)
  execFileSync('mkfifo', [join(folder, 'pipe.json')])
  for (const name of ['loop.json', 'pipe.json', '.'])
    await assert.rejects(readLabels(join(folder, name)), { code: 'DATA_UNREADABLE' }, name)
  await assert.rejects(readLabels(join(folder, 'none.json')), { code: 'DATA_MISSING' })
})

test('a labels file that the storage fails to read is not reported as bad data', async (t) => {
  const no = () => Promise.reject(Object.assign(new Error('EIO: just now'), { code: 'EIO' }))
  t.mock.method(promises, 'open', no)
  syncBuiltinESMExports()
  await assert.rejects(readLabels(join(folder, 'labels.json')), { code: 'EIO' })
  t.mock.restoreAll()
  syncBuiltinESMExports()
})
