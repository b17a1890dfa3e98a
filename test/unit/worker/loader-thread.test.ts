import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BroadcastChannel } from 'node:worker_threads'
import { openLoader } from '../../../src/input/loader.ts'
import { DECLARATIONS } from '../../../src/tasks/declarations.ts'
import { eventually } from '../../support/eventually.ts'
import { temporaryFolder } from '../../support/temporary-folder.ts'
import { records, writeRecords } from '../data/builders.ts'
import { epochs, INPUT, ListedLeases } from '../input/builders.ts'

const folder = temporaryFolder()

/** @returns the modules that the thread of a job with this task has loaded after its first batch */
async function modulesLoaded(type: string): Promise<string[]> {
  const modules: string[] = []
  const channel = new BroadcastChannel('loaded modules')
  channel.onmessage = (message) => void modules.push(String((message as MessageEvent).data))
  const open = await openLoader({
    thread: new URL('./listing-thread.ts', import.meta.url),
    folder,
    data: await writeRecords(folder, [records('a', 2).map((record) => ({ ...record, truth: record.labels }))]),
    task: { type, options: {}, input: INPUT.input },
    batchSize: 2,
    seed: 1,
    unitsToCheck: 1,
    signal: new AbortController().signal,
  })
  try {
    assert.ok(await open.start(new ListedLeases(epochs(1))).next())
    const input = `/src/tasks/${type}/input.ts`
    await eventually(() => assert.ok(modules.some((url) => url.endsWith(input))))
    return modules
  } finally {
    await open.close()
    channel.close()
  }
}

for (const { type } of DECLARATIONS)
  test(`the loader's thread does not load tfjs for ${type}`, async () => {
    const modules = await modulesLoaded(type)
    assert.ok(
      modules.some((url) => url.includes('/node_modules/sharp/')),
      'it decodes images',
    )
    assert.deepEqual(
      modules.filter((url) => /tensorflow|\/src\/(tensor|models)\//.test(url)),
      [],
    )
  })
