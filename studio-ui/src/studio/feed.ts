import { api, urls } from "./api.ts";
import type { Store, StudioEvent } from "./state.ts";
import type { Job } from "./types.ts";

/**
 * Keeps the store in step with the server; resolves when it knows all jobs.
 *
 * A browser opens six connections to a server at most, over all tabs. So one tab holds the stream and
 * tells the others; when it closes, the next takes over. Where the browser offers no locks (a page over
 * plain http from another machine), every tab that is seen has a stream of its own.
 */
export function follow(store: Store): Promise<void> {
  const refresh = async (): Promise<void> => {
    const jobs = await api.jobs().catch(() => null);
    if (jobs) store.dispatch({ type: "jobs", jobs });
  };
  const first = refresh();

  if (!("locks" in navigator) || typeof BroadcastChannel === "undefined") {
    followWhileSeen(store, refresh);
    return first;
  }
  const channel = new BroadcastChannel("untrained-studio");
  channel.onmessage = ({ data }: MessageEvent<StudioEvent>) => {
    // After a break a job or two may have been missed.
    if (data.type === "connected" && data.connected && !store.state.connected) void refresh();
    store.dispatch(data);
  };
  void navigator.locks.request("untrained-studio-events", () => {
    openStream((event) => {
      store.dispatch(event);
      channel.postMessage(event);
    }, refresh);
    return new Promise(() => {}); // held until the tab closes
  });
  return first;
}

function followWhileSeen(store: Store, refresh: () => Promise<void>): void {
  let close: (() => void) | null = null;
  const check = (): void => {
    if (document.hidden) {
      close?.();
      close = null;
    } else close ??= openStream((event) => store.dispatch(event), refresh);
  };
  document.addEventListener("visibilitychange", check);
  check();
}

/** Opens the stream, again after every break; returns what closes it for good. */
function openStream(emit: (event: StudioEvent) => void, refresh: () => Promise<void>): () => void {
  let source: EventSource;
  let timer = 0;
  const open = (): void => {
    source = new EventSource(urls.events);
    source.onopen = () => {
      emit({ type: "connected", connected: true });
      void refresh();
    };
    source.onerror = () => {
      // The browser's own second try comes late, and never after an answer that is no stream.
      source.close();
      emit({ type: "connected", connected: false });
      clearTimeout(timer);
      timer = window.setTimeout(open, 1000);
    };
    source.addEventListener("job", (event) => emit({ type: "job", job: JSON.parse(event.data) as Job }));
    source.addEventListener("deleted", (event) => {
      emit({ type: "deleted", id: (JSON.parse(event.data) as { id: string }).id });
    });
  };
  open();
  return () => {
    clearTimeout(timer);
    source.close();
  };
}
