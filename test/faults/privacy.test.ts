/** Another user of the machine can read nothing of a local run and cannot change it. */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { PORTS } from '../../src/contract/runtime.ts'
import { Channel } from '../../src/wire/channel.ts'
import type { Message } from '../../src/wire/messages.ts'
import { eventually } from '../support/eventually.ts'
import { type LocalRun, startLocalRun } from '../support/local-run.ts'
import { JOB, prepareSmallJobs, type SmallJobs } from './small-job.ts'

const STARTS_WITHIN_MS = 120_000

let jobs: SmallJobs
let run: LocalRun
before(async () => {
  jobs = await prepareSmallJobs()
  const { file, stateDir } = await jobs.next({ maxSteps: 100_000 })
  run = startLocalRun([file], stateDir)
  await eventually(async () => assert.ok(((await run.job('PretrainJob', JOB)).status?.progress?.step ?? 0) > 0), {
    timeoutMs: STARTS_WITHIN_MS,
    intervalMs: 100,
  })
})
after(async () => {
  run.child.kill('SIGINT')
  await run.ended(STARTS_WITHIN_MS)
  await jobs.remove()
})

test('other users can neither read a file of a run nor enter its folders', () => {
  assert.equal(statSync(run.stateDir).mode & 0o777, 0o700)
  const open = readdirSync(run.stateDir, { withFileTypes: true })
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => (statSync(path).mode & 0o077) !== 0)
  assert.deepEqual(open, [])
})

test('every port of a run is on a loopback address', () => {
  const pids = [run.child.pid as number, ...run.processes()]
  const sockets = new Set(pids.flatMap(socketsOf))
  const addresses = listeners().filter(({ inode }) => sockets.has(inode))
  assert.ok(addresses.length >= 5, `API server, operator, and two ports of each pod: ${addresses.length}`)
  // In /proc an address is little-endian: 127.x.y.z ends in 7F.
  assert.deepEqual(
    addresses.map(({ address }) => address).filter((address) => !/^[0-9A-F]{6}7F$/.test(address)),
    [],
  )
})

test('a client without the key can replace no worker, restart no server, read no status and pin no checkpoint', async () => {
  const host = psAddress()
  const { uid } = (await run.job('PretrainJob', JOB)).metadata
  const hello = {
    index: 0,
    podUid: 'stranger',
    restored: null,
    jobUid: uid,
    shard: 0,
    shards: 1,
    dataUnits: 1,
    classes: null,
  }
  const layoutHash = '0'.repeat(64)
  const worker: Message<'hello'> = { type: 'hello', role: 'worker', attempt: 99, layoutHash, ...hello }
  const answers = [
    await ask(host, worker),
    await ask(host, { ...worker, proof: '0'.repeat(64) }),
    await ask(host, { ...worker, role: 'coordinator', attempt: 7 }),
    await ask(host, { ...worker, jobUid: 'guessed' }),
  ]
  for (const { type, code } of answers) assert.deepEqual([type, code], ['refused', 'NOT_ADMITTED'])
  const url = `http://${host}:${PORTS.http}`
  const statusOf = async (path: string, init: RequestInit = {}) => (await fetch(`${url}${path}`, init)).status
  assert.equal(await statusOf('/status'), 401)
  assert.equal(await statusOf('/metrics'), 401)
  assert.equal(await statusOf('/pins', { method: 'PUT', body: '{"steps":[]}' }), 401)
  assert.equal(await statusOf('/status', { headers: { authorization: 'Bearer x' } }), 401)
  assert.equal(await statusOf('/readyz'), 200, 'the kubelet probes without a key')
  const { status } = await run.job('PretrainJob', JOB)
  const goesOn = async () => {
    const now = (await run.job('PretrainJob', JOB)).status
    assert.ok((now?.progress?.step ?? 0) > (status?.progress?.step ?? 0), 'training goes on')
    assert.equal(now?.restarts.total, 0)
  }
  await eventually(goesOn, { timeoutMs: 30_000, intervalMs: 100 })
})

function psAddress(): string {
  const hosts = JSON.parse(readFileSync(join(run.stateDir, 'hosts.json'), 'utf8')) as Record<string, string>
  return Object.entries(hosts).find(([name]) => name.includes('-ps-0'))?.[1] as string
}

async function ask(host: string, hello: Message<'hello'>): Promise<{ type: string; code?: string }> {
  const channel = await Channel.connect(
    { host, port: PORTS.wire, signal: AbortSignal.timeout(10_000) },
    { heartbeatMs: 10_000, silenceMs: 20_000, onMessage: () => {} },
  )
  try {
    return (await channel.request(hello)).message as { type: string; code?: string }
  } finally {
    channel.destroy()
  }
}

function socketsOf(pid: number): string[] {
  return readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
    try {
      return /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${fd}`))?.[1] ?? []
    } catch {
      return [] // closed since readdir
    }
  })
}

function listeners(): { address: string; inode: string }[] {
  const LISTEN = '0A'
  const rows = ['tcp', 'tcp6'].flatMap((name) => readFileSync(`/proc/net/${name}`, 'utf8').trim().split('\n').slice(1))
  return rows
    .map((row) => row.trim().split(/\s+/))
    .filter((cells) => cells[3] === LISTEN)
    .map((cells) => ({ address: (cells[1] as string).split(':')[0] as string, inode: cells[9] as string }))
}
