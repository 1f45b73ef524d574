// Builds the module, starts a sandbox, and reads from it in WebAssembly.

import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const examples = dirname(dirname(fileURLToPath(import.meta.url)));
const run = (program, ...args) =>
  execFileSync(program, args, { cwd: examples, stdio: ["ignore", "pipe", "inherit"] }).toString();

const build = (manifest, ...args) => {
  run("cargo", "build", "--quiet", "--locked", "--manifest-path", manifest, ...args);
  const metadata = run("cargo", "metadata", "--format-version", "1", "--no-deps", "--manifest-path", manifest);
  return JSON.parse(metadata).target_directory;
};

const wasm = "wasm32-unknown-unknown";
const target = build("Cargo.toml", "-p", "wasm", "--target", wasm);
const sandboxTarget = build("../Cargo.toml", "-p", "rowfeed-sandbox");
const glue = join(target, "wasm");
run("wasm-bindgen", "--target", "nodejs", "--out-dir", glue, join(target, wasm, "debug", "wasm.wasm"));
const { csv_bytes, volume } = createRequire(import.meta.url)(join(glue, "wasm.js"));

// The sandbox ends when its standard input closes, and so when this program ends.
const sandbox = spawn(
  join(sandboxTarget, "debug", "rowfeed-sandbox"),
  // The first page fails once, and the client requests it again.
  ["--until-stdin-closes", "--fault", "status=503 path=/results times=1"],
  { stdio: ["pipe", "pipe", "ignore"] },
);
const [line] = await once(sandbox.stdout.setEncoding("utf8"), "data");
const { base_url: url, api_key: key } = JSON.parse(line).dune;

let failed = false;
try {
  console.log(await volume(url, key, "SELECT amount_usd FROM trades"));
  console.log(`${await csv_bytes(url, key, "SELECT * FROM trades")} bytes of CSV`);
  // A failure is an Error with the service's own message.
  await volume(url, "no-key-of-this-sandbox", "SELECT 1").then(
    () => { throw new Error("a wrong key was taken"); },
    (error) => console.log(`a wrong key: ${error.message}`),
  );
} catch (error) {
  console.error(error.message);
  failed = true;
}
sandbox.stdin.end();
await once(sandbox, "exit");
process.exit(failed ? 1 : 0);
