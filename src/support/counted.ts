/** A number with its noun, for messages. */

/** @example counted(1, 'shard') is '1 shard', counted(2, 'shard') '2 shards' */
export function counted(count: number, noun: string, plural = `${noun}s`): string {
  return `${count} ${count === 1 ? noun : plural}`
}
