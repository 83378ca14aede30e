// The main path in Firefox: drop a picture, restore it, look at the result, compare it with another, download.
//
//     node firefox.mjs ADDRESS PICTURE FOLDER
//
// Drives the system's firefox-esr by WebDriver BiDi. What is downloaded goes into FOLDER, what was seen to
// the standard output as JSON. Ends with 1 and says why where the page does not do what is wanted of it.
import { readdir, readFile } from "node:fs/promises";
import { basename } from "node:path";
import puppeteer from "puppeteer-core";

const [address, picture, folder] = process.argv.slice(2);
const executablePath = process.env.FIREFOX ?? "/usr/bin/firefox-esr";
const browser = await puppeteer.launch({
  browser: "firefox",
  executablePath,
  headless: true,
  extraPrefsFirefox: {
    "browser.download.dir": folder,
    "browser.download.folderList": 2,
    "browser.download.always_ask_before_handling_new_types": false,
  },
});
const problems = [];
const page = await browser.newPage();
try {
  page.setDefaultTimeout(25_000);
  await page.setViewport({ width: 1280, height: 800 });
  page.on("pageerror", (error) => problems.push(String(error)));
  page.on("console", (said) => void (["error", "warn"].includes(said.type()) && problems.push(said.text())));

  await page.goto(address);
  await drop(picture);
  await page.waitForSelector(".preview img");
  await fill("setting-network.widths", "8,8");
  await fill("setting-max_steps", "40");
  await page.waitForSelector(".estimate dd");
  const estimate = await page.$eval(".estimate", (element) => element.innerText);
  const first = await restored();
  const shades = await shadesShown();

  await click("a", "Other settings");
  await fill("option-sigma", "60");
  const second = await restored();
  await page.waitForFunction((id) => document.querySelector("[aria-label='Left picture']")?.value === `run:${id}`, {}, first);
  const compared = await page.$$eval(".compare input:checked", (boxes) => boxes.length);
  await page.focus("[aria-label='Timeline of the fit']");
  await page.keyboard.press("Home");
  await page.waitForFunction(() => /Take step \d+/.test(document.querySelector(".viewer-box").innerText));

  await click("a", "Download");
  process.stdout.write(JSON.stringify({ browser: await browser.version(), estimate, first, second, compared, shades, problems }));
  await downloaded();
} catch (error) {
  const seen = await page.$eval("body", (body) => body.innerText).catch(() => "");
  console.error(`${error.message}\nat ${page.url()}, which says:\n${seen}\n${problems.join("\n")}`);
  process.exitCode = 1;
} finally {
  await browser.close();
}

/** Let a file fall on the page. */
async function drop(path) {
  const bytes = (await readFile(path)).toString("base64");
  const place = await page.waitForSelector(".drop");
  await place.evaluate((element, name, text) => {
    const transfer = new DataTransfer();
    transfer.items.add(new File([Uint8Array.from(atob(text), (c) => c.charCodeAt(0))], name));
    element.dispatchEvent(new DragEvent("drop", { dataTransfer: transfer, bubbles: true, cancelable: true }));
  }, basename(path), bytes);
}

/** Type into a field, wherever it is folded away. */
async function fill(id, text) {
  const field = await page.waitForSelector(`[id="${id}"]`);
  await field.evaluate((element) => {
    for (let box = element.closest("details"); box; box = box.parentElement.closest("details")) box.open = true;
    element.select();
  });
  await field.type(text);
}

async function click(kind, text) {
  const found = await page.waitForSelector(`${kind}::-p-text(${text})`, { visible: true });
  await found.click();
}

/** Start the job and wait for its end; its id. */
async function restored() {
  const before = page.url();
  await page.waitForSelector("button.primary.big:not([disabled])");
  await click("button", "Restore");
  await page.waitForFunction((was) => location.href !== was && location.hash.startsWith("#/job/"), {}, before);
  await page.waitForFunction(() => /done/.test(document.querySelector(".job-title .pill")?.textContent ?? ""));
  await page.waitForSelector(".viewer .pane canvas", { visible: true });
  return /#\/job\/(\w+)/.exec(page.url())[1];
}

/** How many colours the viewer's canvas holds: an empty one has one. */
async function shadesShown() {
  const handle = await page.waitForFunction(() => {
    const canvas = document.querySelector(".viewer .pane canvas");
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    const colours = new Set(new Uint32Array(data.buffer));
    return colours.size > 100 ? colours.size : 0;
  });
  return handle.jsonValue();
}

/** Wait until the file is there and whole. */
async function downloaded() {
  for (const end = Date.now() + 20_000; Date.now() < end; ) {
    const names = await readdir(folder);
    if (names.length > 0 && !names.some((name) => name.endsWith(".part"))) return;
    await new Promise((then) => setTimeout(then, 100));
  }
  throw new Error("nothing was downloaded");
}
