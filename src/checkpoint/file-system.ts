import * as fs from 'node:fs/promises'

/** The part of node:fs/promises that checkpoints are written with; tests pass one that fails at a chosen call. */
export type FileSystem = Pick<
  typeof fs,
  'open' | 'rename' | 'unlink' | 'mkdir' | 'readdir' | 'readFile' | 'stat' | 'rm'
>

export const realFileSystem: FileSystem = fs
