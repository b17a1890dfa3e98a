/** What is said over the wire, as a discriminated union; headers are checked here where they enter, and trusted after. */
import { z } from 'zod'
import { ClassesId } from '../contract/classes.ts'
import { Lease, PUSH_RESULTS } from '../contract/exchange.ts'
import { DownpourError } from '../support/errors.ts'
import { StoredVariable } from '../support/variables.ts'
import { EMPTY, encodeFrame, type Frame } from './frames.ts'

const count = z.int().min(0)
const text = z.string().max(512)
/** Of one worker to one shard. It goes on counting where a shard has gone back; a job has at most 10^9 steps. */
export const MAX_PUSHES = 10 ** 10
/** As many as a pod's name has digits for. */
const place = count.max(9999)
/** Units of data: their order is an array of so many. */
export const unitCount = count.max(2 ** 24)

const SCHEMAS = {
  /**
   * First message of a connection, and small: it is read of anybody. `layoutHash`: of the whole model, which is told only
   * when it is asked for; `dataUnits`: how many units of data leases are over.
   */
  hello: z.strictObject({
    role: z.enum(['worker', 'coordinator']),
    index: place,
    podUid: text.min(1),
    /** How often this place was filled before; of a parameter server: its generation. */
    attempt: count,
    /** Of a coordinator: digest of the checkpoint that it went back to. Null: none, and for workers. */
    restored: text.nullable(),
    jobUid: text,
    shard: count,
    shards: count,
    layoutHash: text,
    dataUnits: unitCount,
    /** Where the run has a key: that the caller knows it. */
    proof: z.exactOptional(text),
    /** The list of classes that the worker goes by: its own, or the job's once it has that. Null: of a coordinator. */
    classes: ClassesId.nullable(),
  }),
  /** Answer to a hello: the shard does not know the model yet. The caller tells the layout, and then is let in. */
  layoutWanted: z.strictObject({}),
  layout: z.strictObject({ variables: z.array(StoredVariable).max(100_000) }),
  /** `classes`: of the job, told by parameter server 0. Null: it has none yet, or another shard answers. */
  welcome: z.strictObject({
    incarnation: count,
    version: count,
    heartbeatMs: z.number(),
    classes: ClassesId.nullable(),
  }),
  /** `version` and `incarnation`: of the weights the caller has; the same again are not sent twice. */
  pull: z.strictObject({ incarnation: count, version: count }),
  /** Body: all weights of the shard, or nothing when they are unchanged, the caller must wait, or the job is done. */
  weights: z.strictObject({
    incarnation: count,
    version: count,
    state: z.enum(['fresh', 'unchanged', 'wait', 'done']),
  }),
  /** Body: gradients and batch statistics of the shard. `seq` rises by one a push and is repeated until answered. */
  push: z.strictObject({
    seq: count.max(MAX_PUSHES),
    incarnation: count,
    baseVersion: count,
    loss: z.number().nullable(),
    examples: count,
    /** How many gradients are summed in it. */
    batches: z.int().min(1),
    /** The newest step that parameter server 0 has reported to the worker: the learning rate of all shards goes by it. */
    globalStep: count,
  }),
  pushed: z.strictObject({ incarnation: count, version: count, result: z.enum(PUSH_RESULTS) }),
  /** `seq` as in push: the same number gets the same unit again. */
  lease: z.strictObject({ seq: count }),
  leased: z.strictObject({ lease: Lease.nullable() }),
  leaseDone: z.strictObject({ lease: Lease }),
  /** Coordinator to a shard: write yourself as you are now into `folder` (relative to the job's folder). */
  snapshot: z.strictObject({ folder: text }),
  snapshotTaken: z.strictObject({ record: z.record(z.string(), z.unknown()) }),
  /** Coordinator to a shard: the job has reached its last step. */
  finish: z.strictObject({}),
  ok: z.strictObject({}),
  /** The sender wants nothing more: a worker's data is handed out again, a coordinator's shards may end. */
  goodbye: z.strictObject({}),
  heartbeat: z.strictObject({}),
  /** An answer of no, or (request id 0) the reason why the connection ends. */
  refused: z.strictObject({ code: text, message: z.string().max(8192) }),
  /** Worker to parameter server 0. Body: a list of classes, for a job that has none yet; or nothing, to be told the job's when it has one. */
  offerClasses: ClassesId,
  /** Body: the job's list, or nothing where that is the one that was offered. */
  classes: ClassesId,
} as const

type Schemas = typeof SCHEMAS
export type MessageType = keyof Schemas
/** zod says Record<string, never> for an empty object, which nothing can be intersected with. */
type Header<K extends MessageType> = keyof Schemas[K]['shape'] extends never ? unknown : z.output<Schemas[K]>
export type Message<T extends MessageType = MessageType> = { [K in T]: { type: K } & Header<K> }[T]

const TYPES = Object.keys(SCHEMAS) as MessageType[]
const CODES = new Map(TYPES.map((type, index) => [type, index + 1]))

/** Head and JSON of a message; the body is sent after it. */
export function encodeMessage(message: Message, requestId: number, body: Uint8Array = EMPTY): Buffer {
  const { type, ...header } = message
  return encodeFrame(CODES.get(type) ?? 0, requestId, JSON.stringify(header), body)
}

/** @throws DownpourError FRAME_UNKNOWN_TYPE, FRAME_BAD_HEADER. */
export function decodeMessage(frame: Frame): Message {
  const type = TYPES[frame.type - 1]
  if (!type) throw new DownpourError('FRAME_UNKNOWN_TYPE', `message type ${frame.type} is not known here`, {})
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

/** The type code that a frame of this message carries: what `FrameSink.body` sees before the header is read. */
export function typeCode(type: MessageType): number {
  return CODES.get(type) ?? 0
}

/** A shard's floats as the bytes they are sent as: little-endian, like every machine this runs on. */
export function bytesOf(floats: Float32Array): Uint8Array {
  return new Uint8Array(floats.buffer, floats.byteOffset, floats.byteLength)
}

/** @throws DownpourError FRAME_BAD_BODY when the length is not `elements` float32 values. */
export function floatsOf(body: Uint8Array, elements: number): Float32Array {
  if (body.byteLength !== elements * 4)
    throw new DownpourError('FRAME_BAD_BODY', `a body has ${body.byteLength} bytes, expected ${elements * 4}`, {})
  return new Float32Array(body.buffer, body.byteOffset, elements)
}
