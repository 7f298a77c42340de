// One GraphQL request over HTTP; an answer that is not JSON (a proxy's error page) becomes an error that quotes it.
const ACCEPT = "application/graphql-response+json, application/json;q=0.9";

export function fetcherFor(endpoint) {
  return async (request, { headers } = {}) => {
    const response = await fetch(endpoint, {
      method: "POST",
      headers: { Accept: ACCEPT, "Content-Type": "application/json", ...headers },
      body: JSON.stringify(request),
    });
    const text = await response.text();
    try {
      return JSON.parse(text);
    } catch {
      throw new Error(`HTTP ${response.status} ${response.statusText}: ${text.slice(0, 500)}`);
    }
  };
}
