// What a person does with the page. Each takes a Playwright page and the service's URL and returns what it saw.
const ERRORS_SHOWN = ".graphiql-query-editor .squiggly-error";
const QUERY = ".graphiql-query-editor .monaco-editor";
const RESPONSE = ".result-window .view-lines";
const HEADERS = ".graphiql-editor-tool .graphiql-editor:not(.hidden) .view-lines";

const text = async (page, selector) => (await page.locator(selector).first().innerText()).replaceAll("\u00a0", " ");

async function open(page, url) {
  await page.goto(`${url}/graphql`);
  await page.locator(QUERY).waitFor();
  await page.locator(".graphiql-spinner").waitFor({ state: "detached" });
}

async function type(page, query) {
  await page.getByRole("button", { name: "New tab" }).click();
  await page.locator(QUERY).click();
  await page.keyboard.type(query, { delay: 20 });
}

async function run(page, expected) {
  const answer = page.locator(RESPONSE).getByText(expected).first();
  for (let attempt = 1; ; attempt++) {
    await page.keyboard.press("Control+Enter"); // lost if the editor does not listen yet
    try {
      await answer.waitFor({ timeout: 5_000 });
      return text(page, RESPONSE);
    } catch (error) {
      if (attempt === 4) throw error;
    }
  }
}

/** Opens the page, lets it settle, and looks around. */
export async function load(page, url) {
  await open(page, url);
  await page.locator(`${QUERY} .mtk1`).first().waitFor();
  await page.waitForFunction((selector) => document.querySelector(selector)?.textContent.includes("Bearer"), HEADERS);
  return {
    title: await page.title(),
    tabs: await page.getByRole("tab").allInnerTexts(),
    headers: await text(page, HEADERS),
  };
}

/** Types half a field's name into a new tab and takes what is offered. */
export async function complete(page, url) {
  await open(page, url);
  await type(page, "{ us");
  const offered = page.locator(".suggest-widget.visible .monaco-list-row");
  await offered.first().waitFor();
  const labels = await offered.locator(".label-name").allInnerTexts();
  await page.keyboard.press("Enter");
  const workers = page.workers().map((worker) => worker.url());
  return { labels, query: await text(page, `${QUERY} .view-lines`), workers };
}

async function runExample(page, url, tab, expected) {
  await open(page, url);
  await page.getByRole("tab", { name: tab }).click();
  await page.locator(QUERY).click();
  return run(page, expected);
}

/** Runs the first example; the response, and the headers that were shown when it was sent. */
export async function listUsers(page, url) {
  const response = await runExample(page, url, "ListUsers", "totalCount");
  return { response, headers: await text(page, HEADERS) };
}

/** Runs an example with variables. */
export async function oneUser(page, url) {
  return { response: await runExample(page, url, "OneUser", "userBy") };
}

/** Runs the example of a search; SCREENSHOT names a file to keep the picture in. */
export async function searchUsers(page, url) {
  const response = await runExample(page, url, "SearchUsers", "totalCount");
  if (process.env.SCREENSHOT) {
    await page.waitForTimeout(500); // until the last lines have their colours
    await page.screenshot({ path: process.env.SCREENSHOT });
  }
  return { response };
}

/** Asks for a field that does not exist: the editor underlines it, the service refuses it. */
export async function fail(page, url) {
  await open(page, url);
  await type(page, "{ nope }");
  await page.locator(ERRORS_SHOWN).first().waitFor();
  return { response: await run(page, "Cannot query field") };
}

/** Runs a query while a proxy answers for the service, and again while nobody does. */
export async function serviceDown(page, url) {
  await open(page, url);
  await page.locator(QUERY).click();
  await page.route("**/graphql", (route) => route.fulfill({ status: 502, body: "upstream connect error" }));
  const fromProxy = await run(page, "upstream");
  await page.route("**/graphql", (route) => route.abort("connectionrefused"));
  return { fromProxy, fromNobody: await run(page, "No answer") };
}

/** Runs a query and takes it out of the history, at once and on coming back: what is kept, which token is shown. */
export async function comeBack(page, url) {
  await open(page, url);
  await page.locator(QUERY).click();
  await run(page, "totalCount");
  const headersAtOnce = await headersOfLastQuery(page);
  await page.waitForTimeout(1000); // the page writes its tabs half a second after a change
  const kept = await page.evaluate(() => JSON.stringify(localStorage));
  await open(page, url);
  const headersLater = await text(page, HEADERS);
  return { kept, headersAtOnce, headersLater, headersFromHistory: await headersOfLastQuery(page) };
}

async function headersOfLastQuery(page) {
  const history = page.locator(".graphiql-history-item-label").first();
  if (!(await history.isVisible())) await page.getByRole("button", { name: "Show History" }).click();
  await history.click();
  return text(page, HEADERS);
}

/** Opens the page of a machine without Node. */
export async function unbuilt(page, url) {
  await page.goto(`${url}/graphql`);
  const width = await page.locator("body").evaluate((body) => getComputedStyle(body).maxWidth);
  return { text: await page.locator("body").innerText(), width };
}
