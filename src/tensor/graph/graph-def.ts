/** Encodes a graph of TensorFlow (graph.proto, attr_value.proto, tensor.proto) and the settings of its session. */
import protobuf from 'protobufjs/light.js'

/** The version of graphs that TensorFlow 2.18 writes. */
const PRODUCER = 1882

export interface GraphNode {
  readonly name: string
  /** TensorFlow's name of the operation. */
  readonly op: string
  /** `name`, or `name:i` for output i. */
  readonly input: readonly string[]
  readonly attr: Readonly<Record<string, AttrValue>>
}

/** One field of the message AttrValue. */
export type AttrValue =
  | { readonly s: Uint8Array }
  | { readonly i: number }
  | { readonly f: number }
  | { readonly b: boolean }
  | { readonly type: number }
  | { readonly shape: ShapeProto }
  | { readonly tensor: TensorProto }
  | { readonly list: ListValue }

export interface ShapeProto {
  readonly dim: readonly { readonly size: number }[]
}

export interface TensorProto {
  readonly dtype: number
  readonly tensorShape: ShapeProto
  readonly tensorContent: Uint8Array
}

export interface ListValue {
  readonly i?: readonly number[]
  readonly f?: readonly number[]
  readonly type?: readonly number[]
  readonly s?: readonly Uint8Array[]
}

const repeated = (type: string, id: number) => ({ rule: 'repeated', type, id })
const attrOfName: protobuf.IMapField = { keyType: 'string', type: 'AttrValue', id: 5 }
const root = protobuf.Root.fromJSON({
  nested: {
    Dim: { fields: { size: { type: 'int64', id: 1 } } },
    Shape: { fields: { dim: repeated('Dim', 2) } },
    Tensor: {
      fields: {
        dtype: { type: 'int32', id: 1 },
        tensorShape: { type: 'Shape', id: 2 },
        tensorContent: { type: 'bytes', id: 4 },
      },
    },
    ListValue: {
      fields: { s: repeated('bytes', 2), i: repeated('int64', 3), f: repeated('float', 4), type: repeated('int32', 6) },
    },
    AttrValue: {
      oneofs: { value: { oneof: ['list', 's', 'i', 'f', 'b', 'type', 'shape', 'tensor'] } },
      fields: {
        list: { type: 'ListValue', id: 1 },
        s: { type: 'bytes', id: 2 },
        i: { type: 'int64', id: 3 },
        f: { type: 'float', id: 4 },
        b: { type: 'bool', id: 5 },
        type: { type: 'int32', id: 6 },
        shape: { type: 'Shape', id: 7 },
        tensor: { type: 'Tensor', id: 8 },
      },
    },
    Node: {
      fields: {
        name: { type: 'string', id: 1 },
        op: { type: 'string', id: 2 },
        input: repeated('string', 3),
        attr: attrOfName,
      },
    },
    Versions: { fields: { producer: { type: 'int32', id: 1 } } },
    Graph: { fields: { node: repeated('Node', 1), versions: { type: 'Versions', id: 4 } } },
    GpuOptions: { fields: { allowGrowth: { type: 'bool', id: 4 } } },
    Rewrites: {
      fields: {
        arithmeticOptimization: { type: 'int32', id: 7 },
        remapping: { type: 'int32', id: 14 },
      },
    },
    GraphOptions: { fields: { rewriteOptions: { type: 'Rewrites', id: 10 } } },
    Config: {
      fields: {
        gpuOptions: { type: 'GpuOptions', id: 6 },
        allowSoftPlacement: { type: 'bool', id: 7 },
        graphOptions: { type: 'GraphOptions', id: 10 },
      },
    },
  },
})
const Graph = root.lookupType('Graph')
const Config = root.lookupType('Config')

export function encodeGraph(node: readonly GraphNode[]): Uint8Array {
  return Graph.encode(Graph.fromObject({ node, versions: { producer: PRODUCER } })).finish()
}

/** RewriterConfig.Toggle. */
const OFF = 2

/**
 * Takes memory of a GPU as it is needed, and runs operations that have no kernel for the GPU on the CPU. TensorFlow must not
 * rewrite formulas or fuse operations: a recorded step would round differently from an eager one.
 */
export function sessionConfig(): Uint8Array {
  const graphOptions = { rewriteOptions: { arithmeticOptimization: OFF, remapping: OFF } }
  const config = { gpuOptions: { allowGrowth: true }, allowSoftPlacement: true, graphOptions }
  return Config.encode(Config.fromObject(config)).finish()
}

export function shapeProto(shape: readonly number[]): ShapeProto {
  return { dim: shape.map((size) => ({ size })) }
}
