// Usage: node visit.mjs CHROMIUM URL SCENARIO...; prints what each scenario saw as JSON: { SCENARIO: report }.
// Every scenario has a fresh profile, and no host but the URL's can be reached.
import { chromium } from "playwright-core";
import * as scenarios from "./scenarios.mjs";

const [executablePath, url, ...names] = process.argv.slice(2);
const { hostname } = new URL(url);
const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  `--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE ${hostname}`,
];

async function observe(browser, scenario) {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, colorScheme: "light" });
  const report = { value: null, failure: null, problems: [], requests: [] };
  context.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) report.problems.push(`${message.type()}: ${message.text()}`);
  });
  context.on("weberror", (uncaught) => report.problems.push(`uncaught: ${uncaught.error()}`));
  context.on("request", (request) => {
    report.requests.push({ url: request.url(), authorization: request.headers().authorization ?? null });
  });
  await context.addInitScript(() => {
    document.addEventListener("securitypolicyviolation", ({ violatedDirective, blockedURI }) => {
      console.error(`policy violated: ${violatedDirective} ${blockedURI}`);
    });
  });
  const page = await context.newPage();
  page.setDefaultTimeout(20_000);
  try {
    report.value = await scenario(page, url);
  } catch (error) {
    report.failure = error.stack;
  }
  await context.close();
  return report;
}

const browser = await chromium.launch({ executablePath, args: FLAGS, timeout: 60_000 });
const reports = {};
try {
  for (const name of names) reports[name] = await observe(browser, scenarios[name]);
} finally {
  await browser.close();
}
process.stdout.write(JSON.stringify(reports));
