// Builds static/admin_portal/visual_editor/libraries.js, the packages that the visual editor imports, and LICENSES.txt
// beside it, from the versions that package.json pins.
//
//   node .ci/editor_bundle/build.mjs [--check]
//
// --check builds nothing: it exits with 1 if the files differ from what a build would write.

import { readFile, readdir, writeFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";

import { build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, "../..");
const target = join(root, "static/admin_portal/visual_editor");

const result = await build({
  entryPoints: [join(here, "entry.js")],
  bundle: true,
  minify: true,
  format: "esm",
  target: "es2022",
  charset: "utf8",
  legalComments: "none",
  write: false,
  metafile: true,
  absWorkingDir: root,
  // markdown-it needs both only in part: a browser decodes entities itself, and we link no bare addresses.
  alias: { entities: join(here, "entities.js"), "linkify-it": join(here, "linkify_it.js") },
  banner: { js: "// Built by .ci/editor_bundle/build.mjs. The licenses of its packages are in LICENSES.txt." },
});

async function licenseOf(name) {
  const folder = join(root, "node_modules", name);
  const { version, license } = JSON.parse(await readFile(join(folder, "package.json"), "utf8"));
  const file = (await readdir(folder)).find((one) => /^licen[cs]e/i.test(one));
  if (license !== "MIT" || !file) throw new Error(`${name} ${version} has the license ${license} (${file ?? "no file"}). Only MIT is allowed.`);
  return `${name} ${version}\n\n${(await readFile(join(folder, file), "utf8")).trim()}\n`;
}

const inputs = Object.keys(result.metafile.inputs).filter((path) => path.startsWith("node_modules/"));
const packages = [...new Set(inputs.map((path) => path.split("/").slice(1, path.startsWith("node_modules/@") ? 3 : 2).join("/")))].sort();
const pinned = JSON.parse(await readFile(join(root, "package.json"), "utf8")).devDependencies;
const loose = packages.filter((name) => !/^\d+\.\d+\.\d+$/.test(pinned[name] ?? ""));
if (loose.length) throw new Error(`Pin ${loose.join(", ")} to one version in package.json.`);

const files = {
  "libraries.js": result.outputFiles[0].text,
  "LICENSES.txt": (await Promise.all(packages.map(licenseOf))).join(`\n${"-".repeat(80)}\n\n`),
};
for (const [name, text] of Object.entries(files)) {
  const path = join(target, name);
  if (!process.argv.includes("--check")) await writeFile(path, text);
  else if (await readFile(path, "utf8").catch(() => "") !== text) {
    console.error(`${relative(root, path)} is out of date. Run: npm run build`);
    process.exitCode = 1;
  }
}
