/** Loaded into the operator before its own code: reconciles fail with a TypeError while the file DOWNPOUR_TEST_BUG exists. */
import { existsSync } from 'node:fs'

if (process.argv[2] === 'operator') {
  const { Reconciler } = await import('../../src/operator/reconciler.ts')
  const { reconcile } = Reconciler.prototype
  Reconciler.prototype.reconcile = async function (key, signal) {
    if (existsSync(process.env.DOWNPOUR_TEST_BUG ?? '')) throw new TypeError('a bug that a test planted')
    return reconcile.call(this, key, signal)
  }
}
