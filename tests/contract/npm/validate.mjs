// Reads a manifest on stdin; prints Microsoft's list of faults as JSON. Fetches nothing: the schema is in the package.
import { readFileSync } from "node:fs";
import appManifest from "@microsoft/app-manifest";

globalThis.fetch = (url) => {
  throw new Error(`the package does not bundle ${url}`);
};

const manifest = JSON.parse(readFileSync(0, "utf8"));
console.log(JSON.stringify(await appManifest.AppManifestUtils.validateAgainstSchema(manifest)));
