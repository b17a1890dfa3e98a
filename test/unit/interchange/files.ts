/** Safetensors files as other programs write them. */
import { closeSync, ftruncateSync, openSync, writeSync } from 'node:fs'
import {
  type DeclaredTensor,
  decodeHeader,
  encodeHeader,
  type SafetensorsHeader,
} from '../../../src/checkpoint/safetensors-header.ts'
import { backboneVariables, headVariables } from '../../../src/interchange/our-variables.ts'
import { counterNames, torchTensors } from '../../../src/interchange/torch-tensors.ts'
import type { BackboneName } from '../../../src/models/architectures.ts'
import { sizeOf } from '../../../src/support/variables.ts'

/** The tensors of a torchvision network; of a backbone alone if `classes` is undefined. */
export function torchvisionTensors(backbone: BackboneName, classes?: number): DeclaredTensor[] {
  const head = classes === undefined ? [] : headVariables(backbone, classes)
  const tensors = torchTensors([...backboneVariables(backbone), ...head])
  return [
    ...counterNames(tensors).map((name) => ({ name, dtype: 'I64' as const, shape: [] })),
    ...tensors.map(({ name, shape }) => ({ name, dtype: 'F32' as const, shape })),
  ]
}

export function headerOf(tensors: readonly DeclaredTensor[], metadata: Record<string, string> = {}): SafetensorsHeader {
  const head = encodeHeader(tensors, metadata)
  return decodeHeader(head.subarray(8), dataBytes(tensors), ['F64', 'F32', 'F16', 'BF16', 'I64', 'I32'])
}

/** Writes a file whose values are all 0, without the space on the disk. @returns the byte where the data begins */
export function writeZeros(
  path: string,
  tensors: readonly DeclaredTensor[],
  metadata: Record<string, string> = {},
): number {
  const head = encodeHeader(tensors, metadata)
  const file = openSync(path, 'w')
  writeSync(file, head)
  ftruncateSync(file, head.length + dataBytes(tensors))
  closeSync(file)
  return head.length
}

const BYTES = { F64: 8, F32: 4, F16: 2, BF16: 2, I64: 8, I32: 4 } as const

function dataBytes(tensors: readonly DeclaredTensor[]): number {
  return tensors.reduce((sum, { dtype, shape }) => sum + BYTES[dtype] * sizeOf(shape), 0)
}
