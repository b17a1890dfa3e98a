// `node tools/images/bundle.ts operator|runtime|tensorflow DIR`: bundles the program of an image, with the libraries it
// imports, into JavaScript files in DIR; `tensorflow` bundles the tools that build native TensorFlow for the runtime image.
import { copyFile, readFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type BuildOptions, build, type Plugin } from 'esbuild'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
/** CommonJS libraries load Node's built-in modules with `require`, which ES modules lack. */
const REQUIRE =
  "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);"

const common: BuildOptions = {
  absWorkingDir: ROOT,
  bundle: true,
  platform: 'node',
  target: 'node24',
  format: 'esm',
  outExtension: { '.js': '.mjs' },
  banner: { js: REQUIRE },
  minify: true,
  // Keeps names of classes and functions readable in logs and stack traces.
  keepNames: true,
  legalComments: 'none',
  logLevel: 'warning',
}

/** Threads are started by the URL of their file, so each stays a separate file whose name must be that of the bundle. */
const threadUrls: Plugin = {
  name: 'thread-urls',
  setup({ onLoad }) {
    onLoad({ filter: /src\/.*\.ts$/ }, async ({ path }) => ({
      contents: (await readFile(path, 'utf8')).replaceAll(/'\.\/(\w+)-thread\.ts'/g, "'./$1-thread.mjs'"),
      loader: 'ts',
    }))
  },
}

/** Bundles into one file, two folders deep as in src/: the program finds package.json by a relative path. */
export async function bundleOperator(outdir: string): Promise<void> {
  await build({ ...common, entryPoints: { 'operator/operator': 'src/cli/operator-main.ts' }, outdir })
}

/** Leaves native modules, and those loaded with `createRequire`, in node_modules: see runtime-modules.ts. */
const WASM_FILES = [
  'src/ps/kernels.wasm',
  'src/wire/scan.wasm',
  'src/wire/scan-shared.wasm',
  'src/wire/encodings.wasm',
  'src/wire/encodings-shared.wasm',
  'src/tensor/wasm-kernels.wasm',
]

export async function bundleRuntime(outdir: string): Promise<void> {
  const entryPoints = {
    downpour: 'src/cli/main.ts',
    'loader-thread': 'src/worker/loader-thread.ts',
    'kernel-thread': 'src/ps/kernel-thread.ts',
  }
  const lib = join(outdir, 'runtime')
  const external = ['sharp', '@tensorflow/*', 'webgpu']
  await build({ ...common, entryPoints, outdir: lib, splitting: true, external, plugins: [threadUrls] })
  for (const kernels of WASM_FILES) await copyFile(join(ROOT, kernels), join(lib, basename(kernels)))
}

/** Bundles each tool into one file, so that the image layer that downloads TensorFlow stays cached while other tools change. */
export async function bundleTensorFlowTools(outdir: string): Promise<void> {
  const entryPoints = ['tools/tensorflow/wheel.ts', 'tools/tensorflow/addon.ts']
  await build({ ...common, entryPoints, outdir })
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [what, outdir = 'dist'] = process.argv.slice(2)
  if (what === 'operator') await bundleOperator(outdir)
  else if (what === 'runtime') await bundleRuntime(outdir)
  else if (what === 'tensorflow') await bundleTensorFlowTools(outdir)
  else throw new Error(`bundle.ts: got ${what}, expected operator, runtime or tensorflow`)
}
