/** The messages of the wire as a discriminated union. Headers are checked here and trusted everywhere else. */
import { z } from 'zod'
import { ClassesId } from '../contract/classes.ts'
import { Lease, PUSH_RESULTS } from '../contract/exchange.ts'
import { Compression } from '../contract/training.ts'
import { DownpourError } from '../support/errors.ts'
import { StoredVariable } from '../support/variables.ts'
import { EMPTY, encodeFrame, type Frame, type Outgoing } from './frames.ts'

const count = z.int().min(0)
const text = z.string().max(512)
/** Pushes of one worker to one shard. The count continues when a shard is restored; a job has at most 10^9 steps. */
export const MAX_PUSHES = 10 ** 10
/** The index of a worker or parameter server. */
const place = count.max(9999)
/** Units of data. Their shuffled order is an array of this length. */
export const unitCount = count.max(2 ** 24)

const SCHEMAS = {
  /**
   * First message of a connection. It is small, because it is read from unauthenticated callers. `layoutHash` identifies
   * the model; the layout itself is sent only on request. `dataUnits`: number of units of data that the caller sees.
   */
  hello: z.strictObject({
    role: z.enum(['worker', 'coordinator']),
    index: place,
    podUid: text.min(1),
    /** How many pods had this index before; for a parameter server: its generation. */
    attempt: count,
    /** Digest of the checkpoint that a coordinator was restored from. Null: none, or the caller is a worker. */
    restored: text.nullable(),
    jobUid: text,
    shard: count,
    shards: count,
    layoutHash: text,
    dataUnits: unitCount,
    /** Proves that the caller knows the key of the run, if it has one. */
    proof: z.exactOptional(text),
    /** The worker's list of classes: its own, or that of the job once it has it. Null: the caller is a coordinator. */
    classes: ClassesId.nullable(),
    /** Of the gradients in the worker's pushes. Absent: none. */
    compression: z.exactOptional(Compression.exclude(['none'])),
  }),
  /** Answer to a hello: the shard does not know the model yet, and admits the caller once it has sent the layout. */
  layoutWanted: z.strictObject({}),
  layout: z.strictObject({ variables: z.array(StoredVariable).max(100_000) }),
  /** `classes`: of the job, from parameter server 0. Null: the job has none yet, or another shard answers. */
  welcome: z.strictObject({
    incarnation: count,
    version: count,
    heartbeatMs: z.number(),
    classes: ClassesId.nullable(),
  }),
  /** `version` and `incarnation` of the weights that the caller has. Unchanged weights are not sent again. */
  pull: z.strictObject({ incarnation: count, version: count }),
  /** Body: all weights of the shard if `state` is fresh; otherwise empty. */
  weights: z.strictObject({
    incarnation: count,
    version: count,
    state: z.enum(['fresh', 'unchanged', 'wait', 'done']),
  }),
  /** Body: gradients, in the format of the hello, and batch statistics of the shard. `seq` rises by one with each push; a repeated push has the same. */
  push: z.strictObject({
    seq: count.max(MAX_PUSHES),
    incarnation: count,
    baseVersion: count,
    loss: z.number().nullable(),
    examples: count,
    /** Number of gradients that are summed up. */
    batches: z.int().min(1),
    /** The newest step that the worker knows from parameter server 0. It sets the learning rate of all shards. */
    globalStep: count,
  }),
  pushed: z.strictObject({ incarnation: count, version: count, result: z.enum(PUSH_RESULTS) }),
  /** `seq` as in push: a repeated request gets the same unit. */
  lease: z.strictObject({ seq: count }),
  leased: z.strictObject({ lease: Lease.nullable() }),
  leaseDone: z.strictObject({ lease: Lease }),
  /** Coordinator to a shard: save the state of this moment into `folder`, relative to the job's folder. */
  snapshot: z.strictObject({ folder: text }),
  snapshotTaken: z.strictObject({ record: z.record(z.string(), z.unknown()) }),
  /** Coordinator to a shard: the job has finished its last step. */
  finish: z.strictObject({}),
  ok: z.strictObject({}),
  /** The sender is leaving: leases of a worker are returned, shards of a coordinator may exit. */
  goodbye: z.strictObject({}),
  heartbeat: z.strictObject({}),
  /** A refusal, or with request id 0 the reason why the connection is closed. */
  refused: z.strictObject({ code: text, message: z.string().max(8192) }),
  /** Worker to parameter server 0. Body: a list of classes for a job without one; or empty, to wait for the job's list. */
  offerClasses: ClassesId,
  /** Body: the job's list; empty if it is the offered one. */
  classes: ClassesId,
} as const

type Schemas = typeof SCHEMAS
export type MessageType = keyof Schemas
/** zod types an empty object as Record<string, never>, which cannot be intersected with anything. */
type Header<K extends MessageType> = keyof Schemas[K]['shape'] extends never ? unknown : z.output<Schemas[K]>
export type Message<T extends MessageType = MessageType> = { [K in T]: { type: K } & Header<K> }[T]

const TYPES = Object.keys(SCHEMAS) as MessageType[]
const CODES = new Map(TYPES.map((type, index) => [type, index + 1]))

/** Head and JSON of a message; the body follows. */
export function encodeMessage(message: Message, requestId: number, body: Outgoing = EMPTY): Buffer {
  const { type, ...header } = message
  return encodeFrame(CODES.get(type) ?? 0, requestId, JSON.stringify(header), body)
}

/** @throws DownpourError FRAME_UNKNOWN_TYPE, FRAME_BAD_HEADER. */
export function decodeMessage(frame: Frame): Message {
  const type = TYPES[frame.type - 1]
  if (!type) throw new DownpourError('FRAME_UNKNOWN_TYPE', `message type ${frame.type} is unknown`, {})
  const parsed = SCHEMAS[type].safeParse(jsonOf(frame.header))
  if (parsed.success) return { type, ...parsed.data } as Message
  const issues = parsed.error.issues.slice(0, 3).map((issue) => `${issue.path.join('.')}: ${issue.message}`)
  throw new DownpourError('FRAME_BAD_HEADER', `header of a ${type} message: ${issues.join('; ')}`, { type })
}

function jsonOf(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8'))
  } catch (cause) {
    throw new DownpourError('FRAME_BAD_HEADER', 'the header of a message is not JSON', {}, { cause })
  }
}

/** The type code in the frame of this message, which `FrameSink.body` gets before the header is decoded. */
export function typeCode(type: MessageType): number {
  return CODES.get(type) ?? 0
}

/** The bytes of float32 values, which are little-endian on every supported machine. */
export function bytesOf(floats: Float32Array): Uint8Array {
  return new Uint8Array(floats.buffer, floats.byteOffset, floats.byteLength)
}

/** @throws DownpourError FRAME_BAD_BODY */
export function assertLength({ byteLength }: Uint8Array, expected: number): void {
  if (byteLength === expected) return
  throw new DownpourError('FRAME_BAD_BODY', `a body has ${byteLength} bytes, expected ${expected}`, {})
}
