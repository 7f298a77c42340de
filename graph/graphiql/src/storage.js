// The browser's storage without headers: GraphiQL's history would keep every token and bring back expired ones.
const PREFIX = "user-service.";
const HOLDERS = new Set(["graphiql:tabState", "graphiql:queries", "graphiql:favorites"]);

const isQuery = (value) => typeof value === "object" && value !== null && "query" in value;
const withHeaders = (json, headers) =>
  JSON.stringify(JSON.parse(json), (_key, value) => (isQuery(value) ? { ...value, headers } : value));
const ownKeys = () => Object.keys(localStorage).filter((key) => key.startsWith(PREFIX));

/** A Storage for GraphiQL; the tabs and queries it remembers come back with the given headers (JSON text, or null). */
export function storageWith(headers) {
  return {
    getItem(key) {
      const value = localStorage.getItem(PREFIX + key);
      return value && HOLDERS.has(key) ? withHeaders(value, headers) : value;
    },
    setItem(key, value) {
      localStorage.setItem(PREFIX + key, HOLDERS.has(key) ? withHeaders(value, null) : value);
    },
    removeItem: (key) => localStorage.removeItem(PREFIX + key),
    clear: () => ownKeys().forEach((key) => localStorage.removeItem(key)),
    get length() {
      return ownKeys().length;
    },
  };
}
