import assert from 'node:assert/strict'
import { EventEmitter } from 'node:events'
import type { ServerResponse } from 'node:http'
import { mock, test } from 'node:test'
import { Pages } from '../../../../src/local/api/pages.ts'
import type { Request } from '../../../../src/local/api/request.ts'
import { targetOf } from '../../../../src/local/api/target.ts'
import { serveWatch } from '../../../../src/local/api/watch.ts'
import type { Journal } from '../../../../src/local/store/journal.ts'
import { ObjectStore } from '../../../../src/local/store/store.ts'
import { silentLog } from '../../../../src/support/log.ts'
import { FakeClock } from '../../../support/fake-clock.ts'

const clock = new FakeClock()
const journal = { load: () => ({ objects: [], version: 7 }), put() {}, remove() {} } as unknown as Journal
const store = new ObjectStore(journal, clock)
const context = {
  store,
  clock,
  pages: new Pages(clock),
  port: 0,
  token: '',
  log: silentLog,
  metricsTargets: () => [],
  serveLog: async () => {},
}

function openWatch(query: string): { lines: string[]; response: EventEmitter } {
  const lines: string[] = []
  const response = Object.assign(new EventEmitter(), {
    writeHead() {},
    flushHeaders() {},
    write: (line: string) => lines.push(line),
    end: () => response.emit('close'),
  })
  const request = { target: targetOf('/api/v1/pods'), query: new URLSearchParams(query), matches: () => true }
  serveWatch(context, request as unknown as Request, response as unknown as ServerResponse)
  return { lines, response }
}

test('an idle watch with bookmarks sends one every 20 s until it is closed', () => {
  mock.timers.enable({ apis: ['setInterval', 'setTimeout'] })
  const asked = openWatch('resourceVersion=7&allowWatchBookmarks=true')
  const silent = openWatch('resourceVersion=7')
  mock.timers.tick(60_000)
  const metadata = { resourceVersion: '7' }
  const bookmark = { type: 'BOOKMARK', object: { kind: 'Pod', apiVersion: 'v1', metadata } }
  assert.deepEqual(
    asked.lines.map((line) => JSON.parse(line)),
    [bookmark, bookmark, bookmark],
  )
  assert.deepEqual(silent.lines, [])
  asked.response.emit('close')
  mock.timers.tick(60_000)
  assert.equal(asked.lines.length, 3)
  silent.response.emit('close')
  mock.timers.reset()
})
