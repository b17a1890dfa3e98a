/** Runs real parameter servers in this process, and clients that connect to them through proxies. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Class, type ClassList, encodeClasses } from '../../../src/contract/classes.ts'
import type { RuntimeConfig } from '../../../src/contract/runtime.ts'
import type { Compression } from '../../../src/contract/training.ts'
import { ParameterServer, type ParameterServerOptions } from '../../../src/ps/parameter-server.ts'
import type { ServerLimits } from '../../../src/ps/server.ts'
import { silentLog } from '../../../src/support/log.ts'
import { type ModelLayout, placementOf } from '../../../src/wire/layout.ts'
import type { Message } from '../../../src/wire/messages.ts'
import { connectShards, type ShardClient } from '../../../src/worker/client.ts'
import { serverOptions } from '../../support/server-options.ts'
import { startTcpProxy, type TcpProxy } from '../../support/tcp-proxy.ts'

export const BEAT_MS = 500
export const CLASSES: readonly Class[] = classesNamed('ant', 'bee')

export interface Fleet {
  readonly folder: string
  /** The proxy of each shard, to which clients and the coordinator connect. */
  readonly proxies: readonly TcpProxy[]
  readonly servers: readonly ParameterServer[]
  /** Status of parameter server 0. */
  step(): number
  connect(index: number, layout: ModelLayout, options?: ClientOptions): Promise<ShardClient>
  /** Kills all servers, and starts a new generation from the last checkpoint. */
  restart(): Promise<void>
  /** Starts another server at the address of a shard; the former one runs on without the proxy. */
  occupy(index: number, more?: Partial<ParameterServerOptions>): Promise<ParameterServer>
  close(): Promise<void>
}

export interface ClientOptions {
  podUid?: string
  attempt?: number
  dataUnits?: number
  classes?: readonly Class[]
  mayOfferClasses?: (own: ClassList) => boolean
  /** By default that of the job. */
  compression?: Compression | undefined
  /** Connects without the proxies. */
  direct?: boolean
  overlap?: boolean
}

export interface FleetOptions {
  shards: number
  /** Folder with checkpoints of an earlier fleet. */
  folder?: string
  /** Options of a single shard. */
  each?: (index: number) => Partial<ParameterServerOptions>
  limits?: Partial<ServerLimits>
}

export async function startFleet(config: RuntimeConfig, options: FleetOptions): Promise<Fleet> {
  const folder = options.folder ?? (await mkdtemp(join(tmpdir(), 'downpour-fleet-')))
  const proxies = await Promise.all(Array.from({ length: options.shards }, () => startTcpProxy(0)))
  const stop = new AbortController()
  const psHosts = proxies.map(({ port }) => `127.0.0.1:${port}`)
  const topology = { ...config.topology, parameterServers: options.shards, psHosts }
  let servers: ParameterServer[] = []
  const former: ParameterServer[] = []
  let attempt = 0
  const make = (index: number, more: Partial<ParameterServerOptions> = {}) =>
    new ParameterServer({
      ...serverOptions({ ...config, topology }, index, folder),
      limits: { heartbeatMs: BEAT_MS, ...options.limits },
      attempt,
      ...options.each?.(index),
      ...more,
    })
  const start = async () => {
    servers = proxies.map((_, index) => make(index))
    for (const [i, one] of servers.entries()) (proxies[i] as TcpProxy).target = await one.start('127.0.0.1', 0)
  }
  await start().catch(async (error) => {
    await Promise.all(proxies.map((proxy) => proxy.close()))
    throw error
  })
  return {
    folder,
    proxies,
    get servers() {
      return servers
    },
    step: () => Number(servers[0]?.status().step),
    connect: (
      index,
      layout,
      {
        podUid = `pod-${index}`,
        attempt = 0,
        dataUnits = 4,
        direct = false,
        overlap = false,
        classes = CLASSES,
        mayOfferClasses,
        compression = config.async.compression,
      } = {},
    ) =>
      connectShards({
        hosts: direct ? proxies.map(({ target }) => `127.0.0.1:${target}`) : psHosts,
        port: 0,
        identity: { index, podUid, attempt },
        jobUid: config.job.uid,
        layout,
        placement: placementOf(config),
        overlap,
        compression,
        dataUnits,
        classes: encodeClasses(classes),
        ...(mayOfferClasses ? { mayOfferClasses } : {}),
        heartbeatMs: BEAT_MS,
        waitMs: 10,
        signal: stop.signal,
        log: silentLog,
      }),
    async restart() {
      for (const proxy of proxies) {
        proxy.target = 9
        proxy.cut()
      }
      await Promise.all(servers.map((one) => one.close()))
      attempt++
      await start()
    },
    async occupy(index, more) {
      const one = make(index, more)
      const proxy = proxies[index] as TcpProxy
      proxy.target = await one.start('127.0.0.1', 0)
      proxy.cut()
      former.push(...servers.splice(index, 1, one))
      return one
    },
    async close() {
      stop.abort(new DOMException('the test is over', 'AbortError'))
      await Promise.all([...servers, ...former].map((one) => one.close()))
      await Promise.all(proxies.map((proxy) => proxy.close()))
      if (options.folder === undefined) await rm(folder, { recursive: true, force: true })
    },
  }
}

export function classesNamed(...names: string[]): Class[] {
  return names.map((name, id) => ({ id, name, parents: [] }))
}

/** What a worker says first, without a key or compression. */
export function helloOf(index: number, { hash }: ModelLayout): Message<'hello'> {
  return {
    type: 'hello',
    role: 'worker',
    index,
    podUid: `pod-${index}`,
    attempt: 0,
    restored: null,
    jobUid: 'job-uid',
    shard: 0,
    shards: 1,
    layoutHash: hash,
    dataUnits: 4,
    classes: null,
  }
}
