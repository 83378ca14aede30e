// Bundles the report's page and the studio's page into the Python package.
//
//   node build.mjs            writes the bundles
//   node build.mjs --check    writes nothing; fails where a committed bundle is not what the sources give
import { build } from "esbuild";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const packageFolder = join(here, "..", "src", "untrained");

// The plots' licence asks that its text goes where the code goes.
const licence = await readFile(join(here, "node_modules", "uplot", "LICENSE"), "utf8");
const banner = { js: `/*! Contains uPlot.\n${licence.trim()}\n*/` };

/** The bundled text of one page: its script and its style sheet. */
async function bundle(name, script, style) {
  const outdir = join(packageFolder, name, "static");
  const { outputFiles } = await build({
    absWorkingDir: here,
    entryPoints: [
      { in: script, out: name },
      { in: style, out: name },
    ],
    outdir,
    bundle: true,
    minify: true,
    // One file without imports: it has to run from file://, inlined under a content-security policy.
    format: "iife",
    target: ["es2022", "chrome123", "firefox120", "safari17.5"],
    charset: "utf8",
    legalComments: "inline",
    banner,
    write: false,
  });
  return outputFiles.map((file) => ({ path: file.path, text: file.text }));
}

/** A page whose {{names}} stand for words of `pageWords`. */
async function page(path) {
  const { outputFiles } = await build({ absWorkingDir: here, entryPoints: ["src/words.ts"], bundle: true, format: "esm", write: false });
  const { pageWords } = await import(`data:text/javascript,${encodeURIComponent(outputFiles[0].text)}`);
  const text = await readFile(join(here, path), "utf8");
  return text.replace(/\{\{(\w+)\}\}/g, (_, name) => {
    if (typeof pageWords[name] !== "string") throw new Error(`${path}: got {{${name}}}, which is no text of pageWords`);
    return pageWords[name].replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");
  });
}

const files = [
  ...(await bundle("report", "src/report.ts", "src/report.css")),
  ...(await bundle("studio", "src/studio/main.ts", "src/studio/studio.css")),
  {
    path: join(packageFolder, "studio", "static", "index.html"),
    text: await page("src/studio/index.html"),
  },
];

if (process.argv.includes("--check")) {
  const stale = [];
  for (const { path, text } of files) {
    const committed = await readFile(path, "utf8").catch(() => "");
    if (committed !== text) stale.push(relative(join(here, ".."), path));
  }
  if (stale.length > 0) {
    console.error(`got bundles that differ from their sources: ${stale.join(", ")}; run npm run build`);
    process.exit(1);
  }
  console.log("the committed bundles are what the sources give");
} else {
  for (const { path, text } of files) {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, text);
    console.log(`${relative(join(here, ".."), path)}  ${(text.length / 1024).toFixed(1)} kB`);
  }
}
