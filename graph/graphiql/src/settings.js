// What the server tells this page: { endpoint, headers, tabs: [{ query, variables }] }.
export const settings = JSON.parse(document.getElementById("settings").textContent);
