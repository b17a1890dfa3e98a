/** The module of the loader's thread. It must not load tfjs, which would cost each worker a second copy of it. */
import { createInput } from '../input/create-input.ts'
import { serveLoader } from '../input/serve-loader.ts'

serveLoader(createInput)
