import { button, chooseFiles, fill, h, save, setText } from "./dom.ts";
import { Mask, type Rect } from "./mask.ts";
import { messageOf } from "./state.ts";
import { Easel } from "./easel.ts";
import { tileAddress, tilesSeen } from "../viewer/tiles.ts";
import { painterWords as words, unitWords as units } from "../words.ts";

/** RGBA of what is to be filled, in the picture: a colour that is rare in photographs, half seen through. */
const OVERLAY = [255, 0, 170, 150] as const;

/** Reads a mask file as the restoring does, to white = known, and says how. */
export type ReadMask = (file: File) => Promise<{ mask: Blob; notes: string }>;

export interface Painter {
  element: HTMLElement;
  mask: Mask;
  /** The mask's file, pixels exactly 0 or 255. */
  toBlob(): Promise<Blob>;
  destroy(): void;
}

/** The longer side of a preview, in pixels (Python: `studio.screen.SIDES`). */
const PREVIEW_SIDE = 2048;

/** The picture, which may have clear pixels (`hasClear`), with a brush for what is to be filled; where the `preview` is too coarse, the tiles of `source` that are seen. */
export function mountPainter(preview: string, source: string, mask: Mask, name: string, hasClear: boolean, read: ReadMask, onChange: () => void): Painter {
  const overlay = h("canvas", { width: mask.width, height: mask.height, class: "overlay" });
  const context = overlay.getContext("2d")!;
  const cursor = h("div", { class: "brush", hidden: true });
  const picture = h("img", { src: preview, alt: "", draggable: "false", width: mask.width, height: mask.height });
  const tiles = h("div", { class: "tiles", "aria-hidden": "true" });
  const easel = new Easel([picture, tiles, overlay], mask.width, mask.height);
  easel.element.append(cursor);
  easel.element.tabIndex = 0;
  easel.element.setAttribute("role", "application");
  easel.element.setAttribute("aria-label", words.maskOf(name));
  easel.element.setAttribute("aria-describedby", "painter-help");

  let erasing = false;
  let at = { x: mask.width / 2, y: mask.height / 2 };
  let stroke: { id: number; x: number; y: number; value: 0 | 1 } | null = null;

  const draw = (rect: Rect | null): void => {
    if (!rect || rect.width * rect.height === 0) return;
    const image = context.createImageData(rect.width, rect.height);
    for (let y = 0; y < rect.height; y++) {
      for (let x = 0; x < rect.width; x++) {
        if (mask.pixels[(rect.y + y) * mask.width + rect.x + x]) image.data.set(OVERLAY, 4 * (y * rect.width + x));
      }
    }
    context.putImageData(image, rect.x, rect.y);
  };
  const drawAll = (): void => draw({ x: 0, y: 0, width: mask.width, height: mask.height });

  const size = h("input", { type: "range", min: "1", max: String(Math.max(200, Math.round(Math.min(mask.width, mask.height) / 4))), id: "brush-size" });
  size.value = String(Math.max(3, Math.round(Math.min(mask.width, mask.height) / 16)));
  const sizeText = h("output", { for: "brush-size" });
  const radius = (): number => Number(size.value) / 2;
  const message = h("p", { class: "hint", "aria-live": "polite" });
  const paint = button(words.brush, () => setErasing(false), { title: words.brushTitle });
  const erase = button(words.erase, () => setErasing(true), { title: words.eraseTitle });
  const undo = button(words.undo, () => changed(mask.undo()), { title: words.undoTitle });
  const redo = button(words.redo, () => changed(mask.redo()), { title: words.redoTitle });
  const clear = button(words.clear, () => {
    mask.clear();
    refresh();
  });
  const invert = button(words.invert, () => {
    mask.invert();
    refresh();
  });

  function setErasing(value: boolean): void {
    erasing = value;
    paint.setAttribute("aria-pressed", String(!value));
    erase.setAttribute("aria-pressed", String(value));
  }

  function changed(rect: Rect | null): void {
    draw(rect);
    tell();
  }

  function refresh(): void {
    drawAll();
    tell();
  }

  function tell(): void {
    undo.disabled = !mask.canUndo;
    redo.disabled = !mask.canRedo;
    const painted = mask.count();
    clear.disabled = painted === 0;
    const part = (100 * painted) / mask.pixels.length;
    const share = painted > 0 && part < 0.1 ? words.under : part.toFixed(1);
    setText(message, painted === 0 ? (hasClear ? words.onlyClear : words.nothing) : words.painted(painted, share));
    onChange();
  }

  function placeCursor(): void {
    const { x, y } = easel.toScreen(at.x, at.y);
    const across = 2 * radius() * easel.scale;
    cursor.style.width = cursor.style.height = `${across}px`;
    cursor.style.transform = `translate(${x - across / 2}px, ${y - across / 2}px)`;
  }

  function setSize(value: number): void {
    size.value = String(Math.round(value));
    setText(sizeText, units.pixels(size.value));
    placeCursor();
  }

  function strokeTo(x: number, y: number): void {
    if (!stroke) return;
    draw(mask.line(stroke.x, stroke.y, x, y, radius(), stroke.value));
    stroke.x = x;
    stroke.y = y;
  }

  function endStroke(): void {
    if (!stroke) return;
    stroke = null;
    mask.commit();
    tell();
  }

  easel.onDraw = (phase, x, y, event) => {
    at = { x, y };
    cursor.hidden = false;
    placeCursor();
    if (phase === "start") {
      stroke = { id: event.pointerId, x, y, value: erasing || event.button === 2 || event.buttons === 32 ? 0 : 1 };
      strokeTo(x, y);
    } else if (phase === "move") {
      const events = event.getCoalescedEvents?.() ?? [];
      for (const step of events.length > 0 ? events : [event]) {
        const point = easel.toPicture(step.clientX, step.clientY);
        strokeTo(point.x, point.y);
      }
    } else if (phase === "end") endStroke();
    else if (phase === "cancel" && stroke) {
      // A second finger came: it was no stroke but the start of a pinch.
      stroke = null;
      mask.commit();
      changed(mask.undo());
    }
  };
  const loaded = new Set<string>();
  const addTiles = (): void => {
    const size = { width: mask.width, height: mask.height };
    const frame = { scale: easel.scale, ...easel.toScreen(0, 0) };
    if (preview === source || easel.scale * devicePixelRatio <= PREVIEW_SIDE / Math.max(size.width, size.height)) return;
    for (const tile of tilesSeen(size, size, frame, { width: easel.element.clientWidth, height: easel.element.clientHeight })) {
      const src = tileAddress(source, tile);
      if (loaded.has(src)) continue;
      loaded.add(src);
      const part = h("img", { src, alt: "", draggable: "false", width: tile.width, height: tile.height });
      part.style.left = `${tile.x}px`;
      part.style.top = `${tile.y}px`;
      tiles.append(part);
    }
  };
  easel.onView = () => {
    placeCursor();
    addTiles();
  };
  easel.element.addEventListener("pointerleave", () => (cursor.hidden = document.activeElement !== easel.element));
  easel.element.addEventListener("contextmenu", (event) => event.preventDefault());

  easel.element.addEventListener("keydown", (event) => {
    const key = event.key.toLowerCase();
    const command = event.ctrlKey || event.metaKey;
    const arrows: Record<string, [number, number]> = {
      arrowleft: [-1, 0], arrowright: [1, 0], arrowup: [0, -1], arrowdown: [0, 1],
    };
    const arrow = arrows[key];
    if (command && (key === "z" || key === "y")) changed(key === "y" || event.shiftKey ? mask.redo() : mask.undo());
    else if (command || event.altKey) return;
    else if (arrow) {
      const from = at;
      const stride = Math.max(1, radius() / 2);
      at = {
        x: Math.max(0, Math.min(mask.width - 0.01, at.x + stride * arrow[0])),
        y: Math.max(0, Math.min(mask.height - 0.01, at.y + stride * arrow[1])),
      };
      if (event.shiftKey) dab(from);
    } else if (key === " " || key === "enter") dab(at);
    else if (key === "[") setSize(Number(size.value) - Math.max(1, Number(size.value) / 8));
    else if (key === "]") setSize(Number(size.value) + Math.max(1, Number(size.value) / 8));
    else if (key === "e") setErasing(true);
    else if (key === "b") setErasing(false);
    else if (key === "+" || key === "=") easel.zoomBy(1.5);
    else if (key === "-") easel.zoomBy(1 / 1.5);
    else if (key === "0") easel.fit();
    else if (key === "1") easel.zoomTo(1);
    else return;
    event.preventDefault();
    cursor.hidden = false;
    placeCursor();
  });

  function dab(from: { x: number; y: number }): void {
    draw(mask.line(from.x, from.y, at.x, at.y, radius(), erasing ? 0 : 1));
    mask.commit();
    tell();
  }

  async function load(): Promise<void> {
    const [file] = await chooseFiles("image/*,.tif,.tiff,.npy", false);
    if (!file) return;
    try {
      const loaded = await read(file);
      mask.loadFile(await readPixels(loaded.mask, mask.width, mask.height));
      refresh();
      if (loaded.notes) setText(message, loaded.notes);
    } catch (error) {
      setText(message, messageOf(error));
    }
  }

  async function toBlob(): Promise<Blob> {
    const canvas = h("canvas", { width: mask.width, height: mask.height });
    canvas.getContext("2d")!.putImageData(new ImageData(mask.toFile(), mask.width, mask.height), 0, 0);
    return new Promise((resolve, reject) => {
      canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error(words.tooLarge))), "image/png");
    });
  }

  size.oninput = () => setSize(Number(size.value));
  setErasing(false);
  setSize(Number(size.value));
  refresh();

  const rare = h("div", { class: "rare" },
    h("span", { class: "joined" }, clear, invert),
    h("span", { class: "joined" },
      button(words.load, () => void load(), { title: words.loadTitle }),
      button(words.save, () => void toBlob().then((blob) => save(blob, words.fileName(stem(name)))), { title: words.saveTitle })));
  const summary = h("summary", { class: "button" }, words.more);
  const menuBody = h("div", { class: "menu-body" });
  const menu = h("details", { class: "menu" }, summary, menuBody);
  menuBody.addEventListener("click", () => {
    menu.open = false;
    summary.focus({ preventScroll: true });
  });
  const strokes = h("span", { class: "joined" }, paint, erase);
  const sizes = h("label", { class: "inline" }, words.size, size, sizeText);
  const steps = h("span", { class: "joined" }, undo, redo);
  const toolbar = h("div", { class: "toolbar", role: "toolbar", "aria-label": words.tools });
  // Where there is room all tools are seen; on a phone the rare ones are in a menu.
  const narrow = matchMedia("(max-width: 600px)");
  const arrange = (): void => {
    if (narrow.matches) menuBody.append(rare);
    fill(toolbar, ...(narrow.matches ? [strokes, steps, menu, sizes] : [strokes, sizes, steps, rare]));
  };
  narrow.addEventListener("change", arrange);
  arrange();

  const element = h(
    "section",
    { class: "painter", "aria-label": words.mask },
    toolbar,
    h("div", { class: "easel-box" },
      easel.element,
      h("span", { class: "joined zoom" },
        button("−", () => easel.zoomBy(1 / 1.5), { title: words.zoomOutTitle, "aria-label": words.zoomOut }),
        button(words.fit, () => easel.fit(), { title: words.fitTitle }),
        button(words.actual, () => easel.zoomTo(1), { title: words.actualTitle }),
        button("+", () => easel.zoomBy(1.5), { title: words.zoomInTitle, "aria-label": words.zoomIn }))),
    message,
    h("details", { class: "hint" },
      h("summary", {}, words.help),
      h("p", { id: "painter-help" },
        words.helpText)),
  );
  const destroy = (): void => {
    narrow.removeEventListener("change", arrange);
    easel.destroy();
  };
  return { element, mask, toBlob, destroy };
}

function stem(name: string): string {
  return name.replace(/\.[^.]*$/, "");
}

export async function readPixels(file: Blob, width: number, height: number): Promise<Uint8ClampedArray> {
  const bitmap = await createImageBitmap(file, { colorSpaceConversion: "none", premultiplyAlpha: "none" });
  if (bitmap.width !== width || bitmap.height !== height) {
    throw new Error(words.otherSize(`${bitmap.width}x${bitmap.height}`, `${width}x${height}`));
  }
  const context = h("canvas", { width, height }).getContext("2d")!;
  context.drawImage(bitmap, 0, 0);
  return context.getImageData(0, 0, width, height).data;
}
