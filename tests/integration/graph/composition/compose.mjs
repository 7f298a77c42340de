// Composes the subgraphs given on standard input ({name: sdl}) as a router does; prints its errors, one a line.
import { composeServices } from "@apollo/composition";
import { parse } from "graphql";
import { readFileSync } from "node:fs";

const subgraphs = Object.entries(JSON.parse(readFileSync(0, "utf-8")));
const result = composeServices(
  subgraphs.map(([name, sdl]) => ({ name, url: `http://${name}/graphql`, typeDefs: parse(sdl) })),
);
for (const error of result.errors ?? []) console.log(error.message.replaceAll("\n", " "));
if (!result.errors) console.error(result.supergraphSdl);
process.exitCode = result.errors ? 1 : 0;
