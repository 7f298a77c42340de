// Bundles the page into dist/: assets named by their content, each once more compressed, and a manifest that says which
// two to load.
import { readFile, readdir, rm, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import { build } from "esbuild";

const WORKERS = {
  editor: "node_modules/monaco-editor/esm/vs/editor/editor.worker.js",
  graphql: "node_modules/monaco-graphql/esm/graphql.worker.js",
  json: "node_modules/monaco-editor/esm/vs/language/json/json.worker.js",
};

/** Bundles entry points given by name and returns the name of each one's file. */
async function bundle(entries, options) {
  const { metafile } = await build({
    entryPoints: Object.entries(entries).map(([name, path]) => ({ in: path, out: name })),
    outdir: "dist/assets",
    entryNames: "[name]-[hash]",
    chunkNames: "[name]-[hash]",
    bundle: true,
    minify: true,
    metafile: true,
    target: "es2022",
    legalComments: "linked",
    logLevel: "warning",
    ...options,
  });
  const files = new Map(Object.entries(metafile.outputs).map(([file, { entryPoint }]) => [entryPoint, basename(file)]));
  return Object.fromEntries(Object.entries(entries).map(([name, path]) => [name, files.get(path)]));
}

/** Puts `<name>.gz` beside every file of a folder. */
async function compress(folder) {
  for (const name of await readdir(folder)) {
    const file = join(folder, name);
    await writeFile(`${file}.gz`, await promisify(gzip)(await readFile(file), { level: 9 }));
  }
}

await rm("dist", { recursive: true, force: true });
const workers = await bundle(WORKERS, { format: "iife" });
const { style } = await bundle({ style: "src/style.css" });
const { script } = await bundle(
  { script: "src/main.jsx" },
  {
    format: "esm",
    splitting: true,
    jsx: "automatic",
    loader: { ".css": "empty" }, // the editor's modules import styles that GraphiQL's stylesheet already holds
    define: { WORKERS: JSON.stringify(workers), "process.env.NODE_ENV": '"production"' },
  },
);
await compress("dist/assets");
await writeFile("dist/manifest.json", JSON.stringify({ script, style }));
