// One GraphQL request over HTTP. What is no GraphQL answer, such as a proxy's error page, is shown as an error.
const ACCEPT = "application/graphql-response+json, application/json;q=0.9";
const SHOWN = 500; // characters of an answer that is not JSON

const failed = (message) => ({ errors: [{ message }] });

/** A fetcher for GraphiQL, which asks for the schema before its headers editor is there: with `first` then. */
export function fetcherFor(endpoint, first) {
  return async (request, { headers = request.operationName === "IntrospectionQuery" ? first : {} } = {}) => {
    let response, text;
    try {
      response = await fetch(endpoint, {
        method: "POST",
        headers: { Accept: ACCEPT, "Content-Type": "application/json", ...headers },
        body: JSON.stringify(request),
      });
      text = await response.text();
    } catch (error) {
      return failed(`No answer from ${endpoint}: ${error.message}`);
    }
    try {
      return JSON.parse(text);
    } catch {
      return failed(`HTTP ${response.status}: ${text.slice(0, SHOWN)}`);
    }
  };
}
