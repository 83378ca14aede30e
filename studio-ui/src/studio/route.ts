/** The page's address after "#": which screen is open, and on what. */

export type Route =
  | { screen: "start" }
  | { screen: "queue" }
  | { screen: "batches" }
  | { screen: "setup"; pictures: string[]; task: string | null; from: string | null }
  | { screen: "job"; id: string; compare: string[] };

export function parseRoute(hash: string): Route {
  const [path = "", query = ""] = hash.replace(/^#\/?/, "").split("?");
  const [screen, ids = ""] = path.split("/").map(decodeURIComponent);
  const parameters = new URLSearchParams(query);
  const list = (text: string): string[] => text.split(",").filter((id) => id !== "");
  if (screen === "queue") return { screen: "queue" };
  if (screen === "batches") return { screen: "batches" };
  if (screen === "job" && ids !== "") return { screen: "job", id: ids, compare: list(parameters.get("with") ?? "") };
  if (screen === "new" && ids !== "") {
    return { screen: "setup", pictures: list(ids), task: parameters.get("task"), from: parameters.get("from") };
  }
  return { screen: "start" };
}

export function setupHash(pictures: string[], options: { task?: string; from?: string } = {}): string {
  const query = new URLSearchParams(Object.entries(options)).toString();
  return `#/new/${pictures.join(",")}${query ? `?${query}` : ""}`;
}

export function jobHash(id: string, compare: string[] = []): string {
  return `#/job/${id}${compare.length > 0 ? `?with=${compare.join(",")}` : ""}`;
}
