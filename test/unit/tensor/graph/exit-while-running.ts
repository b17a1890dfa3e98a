// `node exit-while-running.ts`: exits with 3 while a graph runs.
import { silentLog } from '../../../../src/support/log.ts'
import { type GraphNode, shapeProto } from '../../../../src/tensor/graph/graph-def.ts'
import { type GraphAddon, graphAddon, openSession } from '../../../../src/tensor/graph/session.ts'
import { useBackend } from '../../../support/backends.ts'

const SIZE = 1500
const shape = [SIZE, SIZE]
const FLOAT = { type: 1 }
const nodes: GraphNode[] = [
  { name: 'x', op: 'Placeholder', input: [], attr: { dtype: FLOAT, shape: { shape: shapeProto(shape) } } },
  { name: 'y', op: 'MatMul', input: ['x', 'x'], attr: { T: FLOAT } },
]
await useBackend('tensorflow')
const session = openSession(graphAddon(silentLog) as GraphAddon, nodes, ['x'], ['y'])
const array = () => new Float32Array(SIZE * SIZE)
session.run([{ values: array(), shape }], [array()])
setImmediate(() => process.exit(3))
