// `node tools/images/bundle.ts operator|runtime|tensorflow DIR`: the program of an image as JavaScript, without its libraries'
// sources; `tensorflow` are the tools that build its native part.
import { copyFile, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type BuildOptions, build, type Plugin } from 'esbuild'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
/** Libraries in CommonJS ask for Node's own modules by `require`, which a module does not have. */
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
  // Names of classes and functions stay readable in logs and stacks.
  keepNames: true,
  legalComments: 'none',
  logLevel: 'warning',
}

/** The loader's thread is a file of its own, named by its URL. */
const threadUrls: Plugin = {
  name: 'thread-urls',
  setup({ onLoad }) {
    onLoad({ filter: /src\/worker\/main\.ts$/ }, async ({ path }) => ({
      contents: (await readFile(path, 'utf8')).replace("'./loader-thread.ts'", "'./loader-thread.mjs'"),
      loader: 'ts',
    }))
  },
}

/** One file. Two folders deep, as in src/: package.json is found beside both. */
export async function bundleOperator(outdir: string): Promise<void> {
  await build({ ...common, entryPoints: { 'operator/operator': 'src/cli/operator-main.ts' }, outdir })
}

/** What is native or loaded by `createRequire` stays in node_modules: see runtime-modules.ts. */
export async function bundleRuntime(outdir: string): Promise<void> {
  const entryPoints = { downpour: 'src/cli/main.ts', 'loader-thread': 'src/worker/loader-thread.ts' }
  const lib = join(outdir, 'runtime')
  const external = ['sharp', '@tensorflow/*', 'webgpu']
  await build({ ...common, entryPoints, outdir: lib, splitting: true, external, plugins: [threadUrls] })
  await copyFile(join(ROOT, 'src/ps/kernels.wasm'), join(lib, 'kernels.wasm'))
}

/** Each one file: a layer that downloads TensorFlow stays cached while other tools change. */
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
