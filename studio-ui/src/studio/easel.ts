import { h } from "../dom.ts";

type Phase = "start" | "move" | "hover" | "end" | "cancel";

/** Layers of one size to zoom and to move; one pointer draws, two pinch. */
export class Easel {
  readonly element: HTMLElement;
  onDraw: (phase: Phase, x: number, y: number, event: PointerEvent) => void = () => {};
  onView: () => void = () => {};

  /** Screen pixels for a pixel of the picture. */
  scale = 1;
  private left = 0;
  private top = 0;
  private fitted = true;
  private readonly paper: HTMLElement;
  private readonly pointers = new Map<number, { x: number; y: number }>();
  private mode: "draw" | "move" | null = null;
  private readonly resized = new ResizeObserver(() => (this.fitted ? this.fit() : this.show()));

  constructor(
    layers: HTMLElement[],
    private readonly width: number,
    private readonly height: number,
  ) {
    this.paper = h("div", { class: "paper" }, ...layers);
    this.paper.style.width = `${width}px`;
    this.paper.style.height = `${height}px`;
    this.element = h("div", { class: "easel" }, this.paper);
    this.element.addEventListener("pointerdown", (event) => this.down(event));
    this.element.addEventListener("pointermove", (event) => this.move(event));
    this.element.addEventListener("pointerup", (event) => this.up(event, "end"));
    this.element.addEventListener("pointercancel", (event) => this.up(event, "cancel"));
    this.element.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    this.resized.observe(this.element);
  }

  destroy(): void {
    this.resized.disconnect();
  }

  toPicture(clientX: number, clientY: number): { x: number; y: number } {
    const box = this.element.getBoundingClientRect();
    return {
      x: (clientX - box.left - this.element.clientLeft - this.left) / this.scale,
      y: (clientY - box.top - this.element.clientTop - this.top) / this.scale,
    };
  }

  /** Where a point of the picture is, from the easel's own corner. */
  toScreen(x: number, y: number): { x: number; y: number } {
    return { x: this.left + x * this.scale, y: this.top + y * this.scale };
  }

  /** Show the whole picture. */
  fit(): void {
    const { clientWidth, clientHeight } = this.element;
    if (clientWidth === 0 || clientHeight === 0) return;
    this.scale = Math.min(clientWidth / this.width, clientHeight / this.height);
    this.left = (clientWidth - this.width * this.scale) / 2;
    this.top = (clientHeight - this.height * this.scale) / 2;
    this.fitted = true;
    this.show();
  }

  zoomBy(factor: number): void {
    this.zoomAt(this.element.clientWidth / 2, this.element.clientHeight / 2, factor);
  }

  zoomTo(scale: number): void {
    this.zoomBy(scale / devicePixelRatio / this.scale);
  }

  private zoomAt(x: number, y: number, factor: number): void {
    const smallest = Math.min(this.element.clientWidth / this.width, this.element.clientHeight / this.height, 1) / 2;
    const scale = Math.max(smallest, Math.min(32, this.scale * factor));
    this.left = x - ((x - this.left) * scale) / this.scale;
    this.top = y - ((y - this.top) * scale) / this.scale;
    this.scale = scale;
    this.fitted = false;
    this.show();
  }

  private show(): void {
    // Never lose the picture: its middle stays within the easel's edges.
    const { clientWidth, clientHeight } = this.element;
    const [across, down] = [this.width * this.scale, this.height * this.scale];
    this.left = Math.max(-across + 40, Math.min(clientWidth - 40, this.left));
    this.top = Math.max(-down + 40, Math.min(clientHeight - 40, this.top));
    this.paper.style.transform = `translate(${this.left}px, ${this.top}px) scale(${this.scale})`;
    this.paper.classList.toggle("pixels", this.scale * devicePixelRatio >= 2);
    this.onView();
  }

  private down(event: PointerEvent): void {
    this.element.focus({ preventScroll: true });
    this.element.setPointerCapture(event.pointerId);
    this.pointers.set(event.pointerId, { x: event.clientX, y: event.clientY });
    if (this.pointers.size === 2 && this.mode === "draw") this.draw("cancel", event);
    const moves = this.pointers.size > 1 || event.button === 1 || event.altKey;
    this.mode = moves ? "move" : "draw";
    if (!moves) this.draw("start", event);
    event.preventDefault();
  }

  private move(event: PointerEvent): void {
    const before = this.pointers.get(event.pointerId);
    if (!before) {
      this.draw("hover", event);
      return;
    }
    if (this.mode === "draw") {
      this.draw("move", event);
      return;
    }
    const other = [...this.pointers].find(([id]) => id !== event.pointerId)?.[1];
    const now = { x: event.clientX, y: event.clientY };
    this.left += (now.x - before.x) / this.pointers.size;
    this.top += (now.y - before.y) / this.pointers.size;
    this.fitted = false;
    this.pointers.set(event.pointerId, now);
    if (other) {
      const box = this.element.getBoundingClientRect();
      const factor = distance(now, other) / Math.max(1, distance(before, other));
      this.zoomAt((now.x + other.x) / 2 - box.left, (now.y + other.y) / 2 - box.top, factor);
    } else this.show();
  }

  private up(event: PointerEvent, phase: "end" | "cancel"): void {
    if (!this.pointers.delete(event.pointerId)) return;
    if (this.mode === "draw") this.draw(phase, event);
    if (this.pointers.size === 0) this.mode = null;
  }

  private wheel(event: WheelEvent): void {
    event.preventDefault();
    const box = this.element.getBoundingClientRect();
    const lines = event.deltaMode === 0 ? event.deltaY / 40 : event.deltaY;
    this.zoomAt(event.clientX - box.left, event.clientY - box.top, 2 ** (-Math.max(-6, Math.min(6, lines)) / 8));
  }

  private draw(phase: Phase, event: PointerEvent): void {
    const { x, y } = this.toPicture(event.clientX, event.clientY);
    this.onDraw(phase, x, y, event);
  }
}

function distance(a: { x: number; y: number }, b: { x: number; y: number }): number {
  return Math.hypot(a.x - b.x, a.y - b.y);
}
