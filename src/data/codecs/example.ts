/** tf.train.Example: a map from name to a list of bytes, floats or 64-bit integers (paper.md §5). */
import protobuf from 'protobufjs/light.js'

/** 64-bit integers beyond ±2^53 are rounded; labels and image sizes are far smaller. */
export interface Features {
  [name: string]: { bytes: Uint8Array[] } | { ints: number[] } | { floats: number[] }
}

interface RawFeature {
  bytesList?: { value?: Uint8Array[] }
  floatList?: { value?: number[] }
  int64List?: { value?: (number | { toNumber(): number })[] }
}

const list = (type: string) => ({ fields: { value: { rule: 'repeated', type, id: 1 } } })
const mapOfFeatures: protobuf.IMapField = { keyType: 'string', type: 'Feature', id: 1 }
const Example = protobuf.Root.fromJSON({
  nested: {
    BytesList: list('bytes'),
    FloatList: list('float'),
    Int64List: list('int64'),
    Feature: {
      oneofs: { kind: { oneof: ['bytesList', 'floatList', 'int64List'] } },
      fields: {
        bytesList: { type: 'BytesList', id: 1 },
        floatList: { type: 'FloatList', id: 2 },
        int64List: { type: 'Int64List', id: 3 },
      },
    },
    Features: { fields: { feature: mapOfFeatures } },
    Example: { fields: { features: { type: 'Features', id: 1 } } },
  },
}).lookupType('Example')

/** @throws Error of protobufjs when the bytes are no Example */
export function decodeExample(bytes: Uint8Array): Features {
  const message = Example.decode(bytes) as unknown as { features?: { feature?: Record<string, RawFeature> } }
  return Object.fromEntries(
    Object.entries(message.features?.feature ?? {}).map(([name, feature]) => [name, featureOf(feature)]),
  )
}

function featureOf({ bytesList, floatList, int64List }: RawFeature): Features[string] {
  if (bytesList) return { bytes: bytesList.value ?? [] }
  if (floatList) return { floats: floatList.value ?? [] }
  return { ints: (int64List?.value ?? []).map(Number) }
}

export function encodeExample(features: Features): Uint8Array {
  const feature = Object.fromEntries(
    Object.entries(features).map(([name, value]) => {
      if ('bytes' in value) return [name, { bytesList: { value: value.bytes } }]
      return [name, 'ints' in value ? { int64List: { value: value.ints } } : { floatList: { value: value.floats } }]
    }),
  )
  return Example.encode(Example.create({ features: { feature } })).finish()
}
