/** Loopback addresses for pods: 127.64.0.0/10, away from 127.0.0.1, where other servers of the machine are. */
const FIRST_SECOND_BYTE = 64
/** .0 and .255 look like a network and its broadcast address, and some programs refuse them. */
const PER_BLOCK = 254
const BLOCKS = 64 * 256
export const ADDRESSES = BLOCKS * PER_BLOCK

/** @returns the n-th address; all of 0 ≤ n < ADDRESSES differ */
export function addressAt(n: number): string {
  const block = Math.floor(n / PER_BLOCK) % BLOCKS
  return `127.${FIRST_SECOND_BYTE + (block >> 8)}.${block & 255}.${1 + (n % PER_BLOCK)}`
}
