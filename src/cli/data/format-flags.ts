/** Flags for the options of data formats, for training data and, with the prefix `test`, for a test set. */
import { type Command, InvalidArgumentError, Option } from 'commander'
import { FORMAT_OPTIONS, type FormatOption, formatsWith } from '../../contract/data-formats.ts'
import type { FormatOptions } from '../../data/format.ts'

type Side = 'training' | 'test'

/** By the name that commander derives from the flag: `imageSet`, `testImageSet`. */
export type FormatFlags = Partial<Record<FormatOption | `test${Capitalize<FormatOption>}`, string>>

const NAMES = Object.keys(FORMAT_OPTIONS) as FormatOption[]
/** What the value is, and the flag of each option. */
const FLAGS: Readonly<Record<FormatOption, readonly [flag: string, value: string, what: string]>> = {
  files: ['files', 'pattern', 'read only shards with such names, e.g. "train-*"'],
  labels: ['labels', 'file', 'labels file, relative to the folder'],
  annotations: ['annotations', 'file', 'annotations file, relative to the folder'],
  images: ['images', 'dir', 'folder of the pictures, relative to the folder'],
  imageSet: ['image-set', 'set', 'Main/SET or Segmentation/SET'],
}

export function addFormatFlags(command: Command): void {
  for (const [prefix, of] of [
    ['', 'training data'],
    ['test-', 'test set'],
  ] as const)
    for (const name of NAMES) {
      const [flag, value, what] = FLAGS[name]
      const text = `${of}: ${what} (${formatsWith(name).join(', ')})`
      command.addOption(new Option(`--${prefix}${flag} <${value}>`, text).argParser((given) => checked(name, given)))
    }
}

/** @returns the options that were given for one side */
export function formatOptionsOf(flags: FormatFlags, side: Side): FormatOptions {
  const given = NAMES.map((name) => [name, flags[side === 'training' ? name : testName(name)]] as const)
  return Object.fromEntries(given.filter(([, value]) => value !== undefined))
}

function testName<N extends FormatOption>(name: N): `test${Capitalize<N>}` {
  return `test${name.charAt(0).toUpperCase()}${name.slice(1)}` as `test${Capitalize<N>}`
}

function checked(name: FormatOption, given: string): string {
  const { success, error } = FORMAT_OPTIONS[name].safeParse(given)
  if (success) return given
  throw new InvalidArgumentError(`expected ${error.issues[0]?.message ?? 'another value'}`)
}
