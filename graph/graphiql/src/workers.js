// The editor's language services, each a file of its own beside this one: no blob: URL, which the page's policy forbids.
/* global WORKERS -- file names by label, written in by the build */
globalThis.MonacoEnvironment = {
  getWorker: (_id, label) => new Worker(new URL(WORKERS[label] ?? WORKERS.editor, import.meta.url)),
};
