// `npm run setup:tensorflow [-- --remove]`: set up, then main.ts with Downpour's Node. Help needs no set-up.
import { runWithNode, setUp } from '../setup.mjs'

const HELP = `Usage: npm run setup:tensorflow [-- --remove]

Sets up native TensorFlow for this user. From then on every clone trains with it on CPUs where a job says
\`backend: auto\`, the default: steps take a half to a fifth of their time on WASM
(README.md, "Measured").
It needs Linux on x86-64, python3 with pip, g++, about 1.1 GB of disk while it runs and 0.7 GB afterwards, and the network
once, for a package of 230 MB from PyPI.

Options:
  --remove    remove it again; jobs that run keep it until they end
  --gpu       not available: GPUs are used by the image that \`npm run images -- tensorflow-gpu\` builds
  -h, --help  display this help

It is kept in DOWNPOUR_CACHE, or in downpour in the user's cache folder ($XDG_CACHE_HOME, or ~/.cache).
`

const words = process.argv.slice(2)
if (words.includes('--help') || words.includes('-h')) process.stdout.write(HELP)
else await runWithNode(await setUp(), ['tools/tensorflow/main.ts', ...words])
