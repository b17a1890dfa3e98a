import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { readLabels } from '../../../src/data/labels.ts'
import { temporaryFolder } from '../../support/temporary-folder.ts'

const file = join(temporaryFolder(), 'label_map.pbtxt')

async function read(text: string) {
  await writeFile(file, text)
  return (await readLabels(file)).labels
}

test('items have the ids that records store, in the order of the ids', async () => {
  const text = `# COCO
item {
  name: "/m/04_sv"
  id: 4
  display_name: "motor\\"cycle"
}
item: < id: 1, name: 'person'; keypoints { id: 7 label: "nose" } >
item{id:2 name:'bike # not a comment'}`
  assert.deepEqual(await read(text), [
    { id: 0, name: 'person', parents: [], categoryId: 1 },
    { id: 1, name: 'bike # not a comment', parents: [], categoryId: 2 },
    { id: 2, name: 'motor"cycle', parents: [], categoryId: 4 },
  ])
})

suite('a label map is refused, with the item and the field, for', () => {
  const item = "item { id: 1 name: 'a' }"
  for (const [name, text, message] of [
    ['no item', '', /has no items/],
    ['no id', "item { name: 'a' }", /item 0: id: missing/],
    ['the id of the background', "item { id: 0 name: 'a' }", /item 0: id: "0": expected a whole number of 1 or more/],
    ['a fraction', "item { id: 1.5 name: 'a' }", /item 0: id: "1\.5"/],
    ['no name', `${item} item { id: 2 }`, /item 1: name: missing/],
    ['a name without quotes', 'item { id: 1 name: a }', /item 0: name: "a": expected a text in quotes/],
    ['an id twice', `${item} item { id: 1 name: 'b' }`, /two items have the id 1/],
    ['a name twice', `${item} item { id: 2 name: 'a' }`, /both named "a"/],
    ['an end that is missing', 'item { id: 1', /ends inside an item/],
    ['an end too many', `${item} }`, /has a } without a \{/],
    ['another block', 'node { id: 1 }', /"node": expected item/],
    ['JSON', '[{ "id": 0 }]', /expected item/],
  ] as const)
    test(name, () => assert.rejects(read(text), { code: 'LABELS_INVALID', message }))
})
