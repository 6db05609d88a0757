// Compiles the reference contracts with the pinned solc from tests/node.
//   node build.mjs           compares with the committed JSON files; exit 1 when one differs
//   node build.mjs --write   writes them
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const require = createRequire(join(here, "../../node/package.json"));
const solc = require("solc");
const pinned = require("./package.json").dependencies.solc;

const names = ["MockUSDC", "UnifiedAccountVault", "UnifiedAccountVaultNoDuplicateCheck"];
const settings = {
  optimizer: { enabled: true, runs: 10000 },
  evmVersion: "cancun",
  metadata: { appendCBOR: false, bytecodeHash: "none" },
};

if (!solc.version().startsWith(pinned + "+")) {
  console.error(`solc ${solc.version()} is installed, ${pinned} is pinned`);
  process.exit(1);
}

const sources = Object.fromEntries(
  names.map((n) => [`${n}.sol`, { content: readFileSync(join(here, `${n}.sol`), "utf8") }]));
const output = JSON.parse(solc.compile(JSON.stringify({
  language: "Solidity",
  sources,
  settings: { ...settings, outputSelection: { "*": { "*": ["abi", "evm.bytecode.object"] } } },
})));
for (const e of output.errors ?? []) console.error(e.formattedMessage);
if ((output.errors ?? []).length > 0) process.exit(1);

let different = 0;
for (const name of names) {
  const built = output.contracts[`${name}.sol`][name];
  const text = JSON.stringify({
    contract: name,
    compiler: `solc ${pinned}`,
    settings,
    abi: built.abi,
    bytecode: "0x" + built.evm.bytecode.object,
  }, null, 1) + "\n";
  const file = join(here, `${name}.json`);
  if (process.argv.includes("--write")) {
    writeFileSync(file, text);
    console.log(`${name}: ${built.evm.bytecode.object.length / 2} bytes written`);
  } else if (readFileSync(file, "utf8") !== text) {
    console.error(`${name}.json differs from what its source compiles to: run node build.mjs --write`);
    different += 1;
  } else {
    console.log(`${name}: the committed bytecode is what the source compiles to`);
  }
}
process.exit(different === 0 ? 0 : 1);
