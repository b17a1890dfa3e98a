// `npm run setup:tensorflow [-- --gpu | --remove]`: set up, then main.ts with Downpour's Node. Help needs no set-up.
import { runWithNode, setUp } from '../setup.mjs'

const HELP = `Usage: npm run setup:tensorflow [-- --gpu | --remove]

Sets up native TensorFlow for this user. From then on every clone trains with it on CPUs where a job says
\`backend: auto\`, the default: steps take a half to a fifth of their time on WASM
(README.md, "Measured").
It needs Linux on x86-64, python3 with pip, g++, about 1.1 GB of disk while it runs and 0.7 GB afterwards, and the network
once, for a package of 230 MB from PyPI.

Options:
  --gpu       with kernels for NVIDIA's GPUs and CUDA's libraries: 2.2 GB from PyPI, 6.5 GB of disk while it runs and
              3.5 GB afterwards. The machine needs NVIDIA's driver; without a GPU it computes on the CPU, and says so
  --remove    remove both again; jobs that run keep them until they end
  -h, --help  display this help

It is kept in DOWNPOUR_CACHE, or in downpour in the user's cache folder ($XDG_CACHE_HOME, or ~/.cache).
`

const words = process.argv.slice(2)
if (words.includes('--help') || words.includes('-h')) process.stdout.write(HELP)
else await runWithNode(await setUp(), ['tools/tensorflow/main.ts', ...words])
