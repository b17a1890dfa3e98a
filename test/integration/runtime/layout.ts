import { makeLayout } from '../../../src/wire/layout.ts'
import { variable } from '../../unit/ps/fixtures.ts'

/** A small model of four variables. */
export const layout = makeLayout([variable('a', 5), variable('b', 7), variable('c', 3), variable('d', 4)])
