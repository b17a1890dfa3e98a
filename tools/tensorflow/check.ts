/** `node tools/tensorflow/check.ts CACHE`: exits with 0 if the TensorFlow in this cache computes, and prints `gpu` or `cpu`. */
import { DownpourError } from '../../src/support/errors.ts'
import { silentLog } from '../../src/support/log.ts'
import { selectBackend } from '../../src/tensor/backend.ts'
import { tf } from '../../src/tensor/tf.ts'

const { usesGpu } = await selectBackend('tensorflow', silentLog, process.argv[2])
const [row, column] = [tf.tensor2d([[1, 2]]), tf.tensor2d([[3], [4]])]
const product = tf.matMul(row, column).dataSync()[0]
const gradient = tf
  .grad((x) => tf.sum(tf.matMul(x.as2D(1, 2), column)))(row)
  .dataSync()
if (product !== 11 || gradient.join() !== '3,4')
  throw new DownpourError('BUG_WRONG_RESULT', `1·3 + 2·4 is ${product}, its gradient ${gradient}; expected 11 and 3,4`)
console.log(usesGpu ? 'gpu' : 'cpu')
