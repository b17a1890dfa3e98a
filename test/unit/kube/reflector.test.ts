import assert from 'node:assert/strict'
import type { ServerResponse } from 'node:http'
import { afterEach, test } from 'node:test'
import { createKubeClient } from '../../../src/kube/client.ts'
import type { KubeObject } from '../../../src/kube/objects.ts'
import { Reflector, type ReflectorOptions } from '../../../src/kube/reflector.ts'
import { indexByOwnerUid } from '../../../src/kube/store.ts'
import { silentLog } from '../../../src/support/log.ts'
import { consistently, eventually } from '../../support/eventually.ts'
import { type Call, failure, json, kindOf, startFakeApi } from '../../support/fake-api.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import { recordedLog } from '../../support/recorded-log.ts'

type Labelled = KubeObject & { spec?: { note?: string } }

const open: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close()
})

function pod(name: string, uid: string, version: number, more: Partial<KubeObject['metadata']> = {}): Labelled {
  return { metadata: { name, namespace: 'n', uid, resourceVersion: String(version), ...more } }
}

const line = (type: string, object: object) => `${JSON.stringify({ type, object })}\n`

/** Answers of the server to the n-th list and the n-th watch; the last entry repeats. */
interface Script {
  lists: ((response: ServerResponse, call: Call) => void)[]
  watches: ((response: ServerResponse, call: Call) => void)[]
}

const listOf =
  (version: number, ...items: Labelled[]) =>
  (response: ServerResponse) =>
    json(response, 200, { kind: 'PodList', apiVersion: 'v1', metadata: { resourceVersion: String(version) }, items })
const send =
  (...lines: string[]) =>
  (response: ServerResponse) => {
    response.writeHead(200)
    response.flushHeaders()
    for (const one of lines) response.write(one)
  }
const sendAndEnd =
  (...lines: string[]) =>
  (response: ServerResponse) => {
    send(...lines)(response)
    response.end()
  }
const quiet = send()

async function reflect(script: Script, options: Partial<ReflectorOptions<Labelled>> = {}) {
  const api = await startFakeApi((call, response, nth) => {
    const steps = kindOf(call) === 'WATCH' ? script.watches : script.lists
    steps[Math.min(nth, steps.length - 1)]?.(response, call)
  })
  open.push(api.close)
  const client = createKubeClient({ kubeConfig: api.kubeConfig, log: silentLog, retry: { attempts: 1 } })
  open.push(() => client.close())
  const changes: string[] = []
  const reflector = new Reflector<Labelled>({
    client,
    resource: { apiVersion: 'v1', plural: 'pods' },
    log: silentLog,
    backoff: { baseMs: 2, capMs: 20 },
    onKey: (key, { type, object }) => {
      changes.push(`${type} ${key} ${object.metadata.uid}`)
    },
    ...options,
  })
  open.push(() => reflector.stop())
  reflector.start()
  const watches = () => api.calls.filter((call) => kindOf(call) === 'WATCH')
  return { api, client, reflector, changes, watches }
}

test('the reflector lists, then watches from that version with bookmarks and its own time limit', async () => {
  const { reflector, changes, watches } = await reflect(
    {
      lists: [listOf(5, pod('a', 'u1', 3))],
      watches: [
        send(line('ADDED', pod('b', 'u2', 6)), line('MODIFIED', pod('a', 'u1', 7)), line('DELETED', pod('b', 'u2', 8))),
      ],
    },
    { labelSelector: 'app=x' },
  )
  await reflector.synced()
  await eventually(() => assert.equal(reflector.stats().events, 3))
  assert.deepEqual(changes, ['added n/a u1', 'added n/b u2', 'modified n/a u1', 'deleted n/b u2'])
  assert.deepEqual(reflector.store.keys(), ['n/a'])
  assert.equal(reflector.store.get('n/a')?.metadata.resourceVersion, '7')
  const query = watches()[0]?.query
  assert.equal(query?.get('resourceVersion'), '5')
  assert.equal(query?.get('allowWatchBookmarks'), 'true')
  assert.equal(query?.get('labelSelector'), 'app=x')
  const seconds = Number(query?.get('timeoutSeconds'))
  assert.ok(seconds >= 240 && seconds <= 480, `${seconds}`)
})

test('a closed watch is resumed from the last seen version, including bookmarks', async () => {
  const { watches, api } = await reflect({
    lists: [listOf(5)],
    watches: [
      sendAndEnd(line('ADDED', pod('a', 'u1', 6))),
      sendAndEnd(line('BOOKMARK', { metadata: { resourceVersion: '40' } })),
      quiet,
    ],
  })
  await eventually(() => assert.equal(watches().length, 3))
  assert.deepEqual(
    watches().map((call) => call.query.get('resourceVersion')),
    ['5', '6', '40'],
  )
  assert.deepEqual(api.calls.map(kindOf), ['LIST', 'WATCH', 'WATCH', 'WATCH'])
})

for (const [what, fail] of Object.entries<(response: ServerResponse) => void>({
  'a 429': (response) => failure(response, 429, 'TooManyRequests'),
  'a 500': (response) => failure(response, 500, 'InternalError'),
  'a 403': (response) => failure(response, 403, 'Forbidden'),
  'a reset connection': (response) => response.destroy(),
})) {
  test(`${what} on list or watch is retried`, async () => {
    const { reflector, changes } = await reflect({
      lists: [fail, fail, listOf(5), listOf(5)],
      watches: [fail, send(line('ADDED', pod('a', 'u1', 6)))],
    })
    await reflector.synced()
    await eventually(() => assert.deepEqual(changes, ['added n/a u1']))
    assert.equal(reflector.stats().errors, 3)
  })
}

test('a connection reset in the middle of a line loses no event', async () => {
  const event = line('ADDED', pod('a', 'u1', 6))
  const { changes, watches, reflector } = await reflect({
    lists: [listOf(5)],
    watches: [
      (response) => {
        response.writeHead(200)
        response.write(event.slice(0, 20), () => response.destroy())
      },
      send(event),
    ],
  })
  await eventually(() => assert.deepEqual(changes, ['added n/a u1']))
  assert.equal(watches()[1]?.query.get('resourceVersion'), '5')
  assert.equal(reflector.stats().relists, 1)
})

test('the reflector waits for Retry-After of a refused watch', async () => {
  const { watches } = await reflect({
    lists: [listOf(5)],
    watches: [(response) => failure(response, 429, 'TooManyRequests', { 'retry-after': '1' }), quiet],
  })
  await eventually(() => assert.equal(watches().length, 1))
  const startedMs = performance.now()
  await eventually(() => assert.equal(watches().length, 2))
  assert.ok(performance.now() - startedMs > 900)
})

for (const [what, expire] of Object.entries<(response: ServerResponse) => void>({
  'HTTP 410': (response) => failure(response, 410, 'Expired'),
  'an ERROR event with code 410': send(line('ERROR', { kind: 'Status', code: 410, reason: 'Expired' })),
})) {
  test(`${what} leads to a new list, which reports deleted objects`, async () => {
    const { changes, reflector } = await reflect({
      lists: [listOf(5, pod('a', 'u1', 3), pod('b', 'u2', 4)), listOf(90, pod('b', 'u2', 80), pod('c', 'u3', 85))],
      watches: [expire, quiet],
    })
    await eventually(() => assert.equal(reflector.stats().relists, 2))
    await eventually(() => assert.deepEqual(reflector.store.keys(), ['n/b', 'n/c']))
    assert.deepEqual(changes.slice(2), ['deleted n/a u1', 'modified n/b u2', 'added n/c u3'])
    assert.equal(reflector.stats().expired, 1)
  })
}

test('a transient ERROR event keeps the version; any other leads to a new list', async () => {
  const { watches, reflector } = await reflect({
    lists: [listOf(5), listOf(50)],
    watches: [
      send(line('ERROR', { code: 500, reason: 'InternalError', message: 'etcd leader changed' })),
      send(line('ERROR', { code: 403, reason: 'Forbidden' })),
      quiet,
    ],
  })
  await eventually(() => assert.equal(watches().length, 3))
  assert.deepEqual(
    watches().map((call) => call.query.get('resourceVersion')),
    ['5', '5', '50'],
  )
  assert.equal(reflector.stats().errors, 2)
})

test('a version that the server keeps refusing is dropped', async () => {
  const { watches, reflector } = await reflect({
    lists: [listOf(500), listOf(500)],
    watches: [...Array(3).fill((response: ServerResponse) => failure(response, 504, 'Timeout')), quiet],
  })
  await eventually(() => assert.equal(watches().length, 4))
  assert.equal(reflector.stats().relists, 2)
})

for (const [what, torn] of Object.entries({
  'half a line': line('ADDED', pod('a', 'u1', 6)).slice(0, 30),
  'a line that is not JSON': '<html>\n',
  'a line that is no event': '{"x":1}\n',
})) {
  test(`${what} is counted and leads to a new list without a lost event`, async () => {
    const { changes, reflector } = await reflect({
      lists: [listOf(5), listOf(6, pod('a', 'u1', 6))],
      watches: [sendAndEnd(torn), quiet],
    })
    await eventually(() => assert.deepEqual(changes, ['added n/a u1']))
    assert.equal(reflector.stats().tornLines, 1)
    assert.equal(reflector.stats().relists, 2)
  })
}

test('a line that arrives in chunks, split inside a character, is joined', async () => {
  const bytes = Buffer.from(line('ADDED', { ...pod('a', 'u1', 6), spec: { note: 'grüße' } }))
  const cut = bytes.indexOf('ü') + 1
  const { reflector } = await reflect({
    lists: [listOf(5)],
    watches: [
      (response) => {
        response.writeHead(200)
        response.write(bytes.subarray(0, cut))
        setTimeout(() => response.write(bytes.subarray(cut)), 20)
      },
    ],
  })
  await eventually(() => assert.equal(reflector.store.get('n/a')?.spec?.note, 'grüße'))
})

test('a silent connection is closed after the idle time, and the watch is resumed', async () => {
  const { watches, reflector, changes } = await reflect(
    { lists: [listOf(5)], watches: [quiet, send(line('ADDED', pod('a', 'u1', 6)))] },
    { idleMs: 100 },
  )
  await eventually(() => assert.deepEqual(changes, ['added n/a u1']))
  assert.equal(watches()[1]?.query.get('resourceVersion'), '5')
  assert.equal(reflector.stats().relists, 1)
})

test('a watch that receives only bookmarks stays open', async () => {
  const timers: NodeJS.Timeout[] = []
  const { watches, reflector } = await reflect(
    {
      lists: [listOf(5)],
      watches: [
        (response) => {
          response.writeHead(200)
          const bookmark = line('BOOKMARK', { metadata: { resourceVersion: '6' } })
          timers.push(setInterval(() => response.write(bookmark), 30))
        },
      ],
    },
    { idleMs: 250 },
  )
  open.push(async () => clearInterval(timers[0]))
  await eventually(() => assert.ok(reflector.stats().lastEventMs > 0))
  await consistently(() => assert.equal(watches().length, 1), { timeoutMs: 600 })
  assert.ok(reflector.silentMs() < 250)
})

test('an older version never replaces a newer one, in a watch or in a list', async () => {
  const { reflector, changes } = await reflect({
    lists: [listOf(100, pod('a', 'u1', 100)), listOf(120, pod('a', 'u1', 9))],
    watches: [send(line('MODIFIED', pod('a', 'u1', 99)), line('ERROR', { code: 410, reason: 'Expired' })), quiet],
  })
  await eventually(() => assert.equal(reflector.stats().staleObjects, 2))
  assert.equal(reflector.store.get('n/a')?.metadata.resourceVersion, '100')
  assert.deepEqual(changes, ['added n/a u1'])
})

test('a list that is older than the last list deletes nothing', async () => {
  const { reflector, changes } = await reflect({
    lists: [listOf(100, pod('a', 'u1', 90)), listOf(50), listOf(101, pod('a', 'u1', 90))],
    watches: [send(line('ERROR', { code: 410, reason: 'Expired' })), quiet],
  })
  await eventually(() => assert.equal(reflector.stats().relists, 3))
  await consistently(() => assert.deepEqual(changes, ['added n/a u1']), { timeoutMs: 50 })
})

test('a list that is older than the last event deletes nothing', async () => {
  const { reflector, changes } = await reflect({
    lists: [listOf(100), listOf(150), listOf(201, pod('a', 'u1', 200))],
    watches: [send(line('ADDED', pod('a', 'u1', 200)), line('ERROR', { code: 410, reason: 'Expired' })), quiet],
  })
  await eventually(() => assert.equal(reflector.stats().relists, 3))
  assert.deepEqual(changes, ['added n/a u1'])
})

test('older versions are accepted after repeated lists, as after a restored backup', async () => {
  const { reflector, changes } = await reflect({
    lists: [listOf(100, pod('a', 'u1', 90), pod('b', 'u2', 95)), listOf(50, pod('a', 'u1', 40))],
    watches: [send(line('ERROR', { code: 410, reason: 'Expired' })), quiet],
  })
  await eventually(() => assert.deepEqual(changes.slice(2), ['deleted n/b u2', 'modified n/a u1']))
  assert.equal(reflector.store.get('n/a')?.metadata.resourceVersion, '40')
})

test('an object that was deleted and created again is reported as deleted and added', async () => {
  const { changes } = await reflect({
    lists: [listOf(5, pod('a', 'u1', 3)), listOf(50, pod('a', 'u2', 40))],
    watches: [send(line('ERROR', { code: 410, reason: 'Expired' })), send(line('ADDED', pod('a', 'u3', 60)))],
  })
  const expected = ['added n/a u1', 'deleted n/a u1', 'added n/a u2', 'deleted n/a u2', 'added n/a u3']
  await eventually(() => assert.deepEqual(changes, expected))
})

test('a late delete of an old object does not remove the new one of the same name', async () => {
  const { reflector, changes } = await reflect({
    lists: [listOf(50, pod('a', 'u2', 40))],
    watches: [send(line('DELETED', pod('a', 'u1', 39)), line('ADDED', pod('b', 'u3', 51)))],
  })
  await eventually(() => assert.equal(changes.length, 2))
  assert.deepEqual(changes, ['added n/a u2', 'added n/b u3'])
  assert.equal(reflector.store.size, 2)
})

test('a handler that throws or rejects does not stop later events', async () => {
  const seen: string[] = []
  const { reflector } = await reflect(
    { lists: [listOf(5, pod('a', 'u1', 3), pod('b', 'u2', 4))], watches: [send(line('ADDED', pod('c', 'u3', 6)))] },
    {
      onKey: (key) => {
        seen.push(key)
        if (key === 'n/a') throw new Error('handler fell over')
        return Promise.reject(new Error('later'))
      },
    },
  )
  await eventually(() => assert.equal(reflector.stats().handlerErrors, 3))
  assert.deepEqual(seen, ['n/a', 'n/b', 'n/c'])
  assert.equal(reflector.stats().errors, 0)
})

test('a change is reported to the keys that the object had before and has now', async () => {
  const keys: string[] = []
  const { reflector } = await reflect(
    {
      lists: [listOf(5, pod('a', 'u1', 3, { labels: { job: 'one' } }))],
      watches: [
        send(
          line('MODIFIED', pod('a', 'u1', 6, { labels: { job: 'two' } })),
          line('DELETED', pod('a', 'u1', 7, { labels: { job: 'two' } })),
        ),
      ],
    },
    {
      keysOf: (object) => [`n/${object.metadata.labels?.job}`],
      onKey: (key, { type }) => {
        keys.push(`${type} ${key}`)
      },
    },
  )
  await eventually(() => assert.equal(reflector.stats().events, 2))
  assert.deepEqual(keys, ['added n/one', 'modified n/one', 'modified n/two', 'deleted n/two'])
})

test('objects are trimmed before they are stored, and found by label and owner', async () => {
  const owner = { apiVersion: 'v1', kind: 'Job', name: 'j', uid: 'owner-1', controller: true }
  const { reflector } = await reflect(
    {
      lists: [
        listOf(
          5,
          { ...pod('a', 'u1', 3, { labels: { job: 'one' }, ownerReferences: [owner] }), spec: { note: 'long' } },
          pod('b', 'u2', 4, { labels: { job: 'one' } }),
        ),
      ],
      watches: [send(line('MODIFIED', pod('b', 'u2', 6, { labels: { job: 'two' } })))],
    },
    {
      trim: ({ metadata }) => ({ metadata }),
      indexers: { job: ({ metadata }) => [metadata.labels?.job ?? ''], owner: indexByOwnerUid },
    },
  )
  await eventually(() => assert.equal(reflector.stats().events, 1))
  const names = (index: string, value: string) => reflector.store.byIndex(index, value).map((one) => one.metadata.name)
  assert.deepEqual([names('job', 'one'), names('job', 'two'), names('owner', 'owner-1')], [['a'], ['b'], ['a']])
  assert.equal('spec' in (reflector.store.get('n/a') ?? {}), false)
})

test('a server that closes every watch at once is asked with growing delays', async () => {
  const { reflector, watches } = await reflect(
    { lists: [listOf(5)], watches: [sendAndEnd()] },
    { backoff: { baseMs: 20, capMs: 10_000 } },
  )
  await reflector.synced()
  await consistently(() => assert.ok(watches().length <= 7, `${watches().length} watches`), { timeoutMs: 600 })
})

test('a server that closes every watch after an event is asked without growing delays', async () => {
  let version = 5
  const { reflector } = await reflect(
    { lists: [listOf(5)], watches: [(response) => sendAndEnd(line('ADDED', pod('a', 'u1', ++version)))(response)] },
    { backoff: { baseMs: 2, capMs: 10_000 } },
  )
  await eventually(() => assert.ok(reflector.stats().events >= 15), { timeoutMs: 3_000 })
})

for (const [what, heldMs] of Object.entries({
  'a watch that held for long': 300_000,
  'a watch that a balancer cut because it was idle': 20_000,
})) {
  test(`a new watch starts at once after ${what}, even if it had no event`, async () => {
    const clock = new FakeClock()
    const held: ServerResponse[] = []
    const { reflector, watches } = await reflect(
      {
        lists: [listOf(5)],
        watches: [
          (response) => {
            clock.jump(1)
            quiet(response)
            held.push(response)
          },
        ],
      },
      { clock, random: () => 1, backoff: { baseMs: 200, capMs: 30_000 } },
    )
    for (let nth = 1; nth <= 5; nth++) {
      // A silence of 0 after the jump of the server: the reflector has seen that its watch is open.
      await eventually(() => assert.deepEqual([watches().length, reflector.silentMs()], [nth, 0]))
      clock.jump(heldMs)
      held[nth - 1]?.end()
      await eventually(() => assert.deepEqual(clock.waits, [200]))
      await clock.advance(200)
    }
  })
}

test('stop ends the watch at once, and synced rejects if nothing was listed', async () => {
  const { reflector, changes } = await reflect({ lists: [() => undefined], watches: [quiet] })
  const synced = assert.rejects(reflector.synced(), { name: 'AbortError' })
  await reflector.stop()
  await synced
  assert.deepEqual(changes, [])
})

test('the signal stops the reflector, and a second start has no effect', async () => {
  const controller = new AbortController()
  const { reflector, api } = await reflect({ lists: [listOf(5)], watches: [quiet] }, { signal: controller.signal })
  reflector.start()
  await reflector.synced()
  await eventually(() => assert.equal(api.calls.length, 2))
  controller.abort()
  await reflector.stop()
  await consistently(() => assert.equal(api.calls.length, 2), { timeoutMs: 50 })
})

test('a refused list and its recovery are each logged once, at once, with the message of the server', async () => {
  const log = recordedLog()
  const refuse = (response: ServerResponse) => failure(response, 403, 'Forbidden')
  const lists = [refuse, refuse, refuse, refuse, refuse, listOf(5)]
  const { reflector } = await reflect({ lists, watches: [quiet] }, { log })
  await eventually(() => assert.match(reflector.stats().trouble ?? '', /403 Forbidden: made up: Forbidden/))
  await eventually(() => assert.deepEqual([reflector.stats().synced, reflector.stats().trouble], [true, undefined]))
  assert.equal(log.lines.length, 2, log.lines.join('\n'))
  assert.match(log.lines[0] ?? '', /^warn cannot watch, retrying: .*403 Forbidden/)
  assert.equal(log.lines[1], 'info watching again')
})

test('a watch that sometimes breaks is no trouble; one that is always refused is', async () => {
  const drop = (response: ServerResponse) => void response.socket?.destroy()
  const refuse = (response: ServerResponse) => failure(response, 403, 'Forbidden')
  const log = recordedLog()
  const watches = [drop, drop, quiet]
  const { reflector } = await reflect({ lists: [listOf(5)], watches }, { log })
  await eventually(() => assert.equal(reflector.stats().reconnects, 2))
  assert.deepEqual([reflector.stats().trouble, log.lines], [undefined, []])
  const { reflector: refused } = await reflect({ lists: [listOf(5)], watches: [refuse] })
  await eventually(() => assert.match(refused.stats().trouble ?? '', /403 Forbidden/))
  await consistently(() => assert.ok(refused.stats().trouble, 'a list between two refused watches is no recovery'), {
    timeoutMs: 200,
  })
})
