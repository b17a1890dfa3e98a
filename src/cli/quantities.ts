/** Parses and formats Kubernetes quantities, to sum resource requests. */
const SUFFIX: Readonly<Record<string, number>> = {
  n: 1e-9,
  u: 1e-6,
  m: 1e-3,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  E: 1e18,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
  Ei: 2 ** 60,
}
const BINARY = ['Ei', 'Pi', 'Ti', 'Gi', 'Mi', 'Ki'] as const

/** @example parseQuantity('500m') === 0.5; bytes for memory */
export function parseQuantity(quantity: string | number): number {
  const [, number, suffix = ''] = /^([0-9.]+(?:[eE][+-]?[0-9]+)?)([a-zA-Z]*)$/.exec(String(quantity)) ?? []
  return Number(number) * (SUFFIX[suffix] ?? 1)
}

/** @example formatQuantity('memory', 2 ** 31) === '2Gi' */
export function formatQuantity(resource: string, amount: number): string {
  const inBytes = resource === 'memory' || resource === 'ephemeral-storage'
  const unit = inBytes ? BINARY.find((suffix) => amount >= (SUFFIX[suffix] as number)) : undefined
  return `${Number((amount / (unit ? (SUFFIX[unit] as number) : 1)).toFixed(3))}${unit ?? ''}`
}
