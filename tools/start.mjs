// `npm start [-- FILE...]`: set up, then `downpour run FILE...` (the demonstration when no file is named).
import { runWithNode, setUp } from './setup.mjs'

await runWithNode(setUp(), ['bin/downpour', 'run', ...process.argv.slice(2)])
