// Usage: node audit.mjs URL AUTHORIZATION; runs every audit of graphql-http on the server at the URL, with that header,
// and prints what came of them as JSON: [{ id, name, status, reason }], where the status is "ok", "notice", "warn" or "error".
import { serverAudits } from "graphql-http";

const [url, authorization] = process.argv.slice(2);

function fetchFn(input, init = {}) {
  return fetch(input, { ...init, headers: { ...init.headers, authorization } });
}

const outcomes = [];
for (const audit of serverAudits({ url, fetchFn })) {
  const { status, reason = null } = await audit.fn();
  outcomes.push({ id: audit.id, name: audit.name, status, reason });
}
process.stdout.write(JSON.stringify(outcomes));
