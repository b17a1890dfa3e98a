/**
 * Records the TensorFlow operations that a function of tensors executes, as a graph. Everything that the tensorflow backend
 * does goes through three calls of its binding: createTensor, executeOp and tensorDataSync.
 */
import { type Attribute, type Binding, nodeBackend } from '../node-backend.ts'
import { type Tensor, tf } from '../tf.ts'
import { type AttrValue, type GraphNode, shapeProto } from './graph-def.ts'

export interface Recording<Input> {
  /** What the function returned. */
  readonly results: ReadonlyMap<string, Tensor>
  readonly nodes: readonly GraphNode[]
  /** The inputs by the names of their placeholders. Inputs that the function does not use have none. */
  readonly feeds: ReadonlyMap<string, Input>
  /** The operation of each result. */
  readonly fetches: readonly string[]
}

/**
 * Runs the function once.
 * @param inputs by the arrays that the function's tensors are made from; no operation has used these tensors before
 * @throws Error why the function cannot be recorded
 */
export function record<Input>(
  inputs: ReadonlyMap<ArrayLike<number>, Input>,
  compute: () => ReadonlyMap<string, Tensor>,
): Recording<Input> {
  const backend = nodeBackend()
  const { binding } = backend
  const recorder = new Recorder(binding, inputs)
  backend.binding = recorder.binding
  try {
    const results = compute()
    // Operations of their own: a result may be an input, a constant, or the same tensor as another one.
    const copies = [...results.values()].map(copyOf)
    const ids = copies.map(({ dataId }) => backend.tensorMap.get(dataId).id)
    tf.dispose(copies)
    return { results, ...recorder.finish(ids) }
  } finally {
    backend.binding = binding
  }
}

function copyOf(tensor: Tensor): Tensor {
  const backend = nodeBackend()
  const type = { name: 'T', type: backend.binding.TF_ATTR_TYPE, value: backend.typeAttributeFromTensor(tensor) }
  return backend.executeSingleOutput('Identity', [type], [tensor])
}

interface Constant {
  readonly shape: readonly number[]
  readonly dtype: number
  readonly values: ArrayLike<number>
}

class Recorder<Input> {
  /** Passes every call on to the real binding. */
  readonly binding: Binding
  readonly #real: Binding
  readonly #inputs: ReadonlyMap<ArrayLike<number>, Input>
  readonly #nodes: GraphNode[] = []
  readonly #feeds = new Map<string, Input>()
  /** `name`, or `name:i` for output i, by the ids of tensors. */
  readonly #tensors = new Map<number, string>()
  /** By the ids of their tensors. */
  readonly #constants = new Map<number, Constant>()
  #refused: string | undefined

  constructor(real: Binding, inputs: ReadonlyMap<ArrayLike<number>, Input>) {
    this.#real = real
    this.#inputs = inputs
    // The properties of the addon are read-only, which assignments to an object that inherits them obey.
    this.binding = Object.create(real, {
      createTensor: { value: this.#createTensor.bind(this) },
      executeOp: { value: this.#executeOp.bind(this) },
      tensorDataSync: { value: this.#read.bind(this) },
    })
  }

  finish(results: readonly number[]): Pick<Recording<Input>, 'nodes' | 'feeds' | 'fetches'> {
    const fetches = results.map((id) => this.#tensorOf(id))
    if (this.#refused !== undefined) throw new Error(this.#refused)
    return { nodes: this.#nodes, feeds: this.#feeds, fetches }
  }

  #createTensor(shape: readonly number[], dtype: number, values: ArrayLike<number>): number {
    const id = this.#real.createTensor(shape, dtype, values)
    const input = this.#inputs.get(values)
    if (input === undefined) this.#addConstant(id, { shape, dtype, values })
    else {
      const name = `input_${this.#feeds.size}`
      this.#feeds.set(name, input)
      const attr = { dtype: { type: dtype }, shape: { shape: shapeProto(shape) } }
      this.#add({ name, op: 'Placeholder', input: [], attr }, [{ id }])
    }
    return id
  }

  #addConstant(id: number, constant: Constant): void {
    const { shape, dtype, values } = constant
    const tensor = { dtype, tensorShape: shapeProto(shape), tensorContent: bytesOf(values) }
    this.#constants.set(id, constant)
    const attr = { dtype: { type: dtype }, value: { tensor } }
    this.#add({ name: this.#newName(), op: 'Const', input: [], attr }, [{ id }])
  }

  #executeOp(op: string, attributes: readonly Attribute[], inputs: readonly number[], outputs: number) {
    const results = this.#real.executeOp(op, attributes, inputs, outputs)
    const attr = Object.fromEntries(attributes.map((one) => [one.name, this.#attrValue(one)]))
    const input = inputs.map((id) => this.#tensorOf(id))
    const divisor = op === 'RealDiv' ? this.#constants.get(inputs[1] as number) : undefined
    if (divisor) input[1] = this.#hidden(input[1] as string, divisor)
    this.#add({ name: this.#newName(), op, input, attr }, results)
    return results
  }

  /**
   * A constant that TensorFlow does not take for one: it would replace a division by it with a multiplication by its
   * reciprocal, which rounds differently from the eager step.
   */
  #hidden(constant: string, { shape, dtype }: Constant): string {
    const name = this.#newName()
    const attr = { dtype: { type: dtype }, shape: { shape: shapeProto(shape) } }
    this.#add({ name, op: 'PlaceholderWithDefault', input: [constant], attr }, [])
    return name
  }

  #read(id: number): ArrayLike<number> {
    if (!this.#constants.has(id)) this.#refused ??= 'it reads a value before it ends'
    return this.#real.tensorDataSync(id)
  }

  #add(node: GraphNode, results: readonly { readonly id: number }[]): void {
    this.#nodes.push(node)
    for (const [i, { id }] of results.entries()) this.#tensors.set(id, i === 0 ? node.name : `${node.name}:${i}`)
  }

  #tensorOf(id: number): string {
    const tensor = this.#tensors.get(id)
    if (tensor === undefined) this.#refused ??= 'it uses a tensor that was computed before it began'
    return tensor ?? ''
  }

  #attrValue({ name, type, value }: Attribute): AttrValue {
    const encode = ENCODERS.find(([constant]) => this.#real[constant] === type)?.[1]
    if (!encode) this.#refused ??= `its attribute ${name} has the unknown type ${type}`
    return encode?.(value) ?? { i: 0 }
  }

  #newName(): string {
    return `node_${this.#nodes.length}`
  }
}

function bytesOf(values: ArrayLike<number>): Uint8Array {
  return ArrayBuffer.isView(values)
    ? new Uint8Array(values.buffer, values.byteOffset, values.byteLength).slice()
    : Uint8Array.from(values)
}

const asList = (field: 'type' | 'i' | 'f') => (value: unknown) =>
  (Array.isArray(value) ? { list: { [field]: value } } : { [field]: value }) as AttrValue

const ENCODERS: readonly (readonly [constant: keyof Binding, encode: (value: unknown) => AttrValue])[] = [
  ['TF_ATTR_TYPE', asList('type')],
  ['TF_ATTR_INT', asList('i')],
  ['TF_ATTR_FLOAT', asList('f')],
  ['TF_ATTR_BOOL', (value) => ({ b: Boolean(value) })],
  ['TF_ATTR_STRING', (value) => ({ s: Buffer.from(value as string) })],
  ['TF_ATTR_SHAPE', (value) => ({ shape: shapeProto(value as number[]) })],
]
