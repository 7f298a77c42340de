import "./workers.js";
import { GraphiQL } from "graphiql";
import { createRoot } from "react-dom/client";
import { fetcherFor } from "./fetcher.js";
import { settings } from "./settings.js";
import { storageWith } from "./storage.js";

const { endpoint, headers, tabs } = settings;

createRoot(document.getElementById("graphiql")).render(
  <GraphiQL
    fetcher={fetcherFor(endpoint, JSON.parse(headers))}
    storage={storageWith(headers)}
    defaultTabs={tabs.map((tab) => ({ ...tab, headers }))}
    defaultHeaders={headers ?? undefined}
    defaultEditorToolsVisibility={headers ? "headers" : undefined}
    showPersistHeadersSettings={false}
  >
    <GraphiQL.Logo>User service</GraphiQL.Logo>
  </GraphiQL>,
);
