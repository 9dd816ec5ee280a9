// Writes abi/<Contract>.json for each contract that is deployed, so that building the Rust side needs no Solidity compiler.
// With --check it writes nothing and fails if a committed file differs from what the sources give. Settings are those of
// foundry.toml. What forge has compiled is taken where its metadata names the same compiler and settings and the hash of
// every source as it is now; else the contracts are compiled.
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const require = createRequire(import.meta.url);
const home = dirname(fileURLToPath(import.meta.url));
const DEPLOYED = [
  "LivepeerToken",
  "FixedRandomSource",
  "BlockhashRandomSource",
  "Operators",
  "RoundsManager",
  "Roster",
  "FeeLedger",
  "BondingManager",
  "VerifierRegistry",
  "JobRegistry",
  "Evidence",
  "FraudCourt",
  "Contests",
  "Challenges",
  "TicketBroker",
  "Minter",
  "FundedPool",
  "WorkLedger",
];
// EIP-170.
const MAX_CODE_BYTES = 24576;

function settings() {
  const toml = readFileSync(join(home, "foundry.toml"), "utf8");
  const value = (key) => toml.match(new RegExp(`^${key} = (.*)$`, "m"))[1].replaceAll('"', "");
  return {
    evmVersion: value("evm_version"),
    optimizer: { enabled: value("optimizer") === "true", runs: Number(value("optimizer_runs")) },
    viaIR: value("via_ir") === "true",
    metadata: { bytecodeHash: value("bytecode_hash"), appendCBOR: value("cbor_metadata") === "true" },
    remappings: ["@openzeppelin/contracts/=node_modules/@openzeppelin/contracts/"],
    outputSelection: { "*": { "*": ["abi", "evm.bytecode.object", "evm.deployedBytecode.object"] } },
  };
}

// The ABI and code that forge has compiled of the present sources, or nothing.
function compiledByForge(name) {
  const path = join(home, "out", `${name}.sol`, `${name}.json`);
  if (!existsSync(path)) return undefined;
  const { bytecode, deployedBytecode, rawMetadata } = JSON.parse(readFileSync(path, "utf8"));
  const { compiler, output, settings: used, sources } = JSON.parse(rawMetadata);
  const { evmVersion, optimizer, viaIR, metadata } = settings();
  const { keccak256 } = createRequire(require.resolve("solc"))("js-sha3");
  const isPresent = ([source, { keccak256: hash }]) =>
    existsSync(join(home, source)) && hash === `0x${keccak256(readFileSync(join(home, source)))}`;
  const isSame =
    compiler.version.startsWith(`${require("solc/package.json").version}+`) &&
    used.compilationTarget[`contracts/${name}.sol`] === name &&
    used.evmVersion === evmVersion &&
    JSON.stringify(used.optimizer) === JSON.stringify(optimizer) &&
    (used.viaIR ?? false) === viaIR &&
    used.metadata.bytecodeHash === metadata.bytecodeHash &&
    used.metadata.appendCBOR === metadata.appendCBOR &&
    Object.keys(used.libraries).length === 0 &&
    Object.entries(sources).every(isPresent);
  if (!isSame) return undefined;
  return { abi: output.abi, code: bytecode.object.slice(2), deployed: deployedBytecode.object.slice(2) };
}

function compile() {
  const solc = require("solc");
  const sources = Object.fromEntries(
    DEPLOYED.map((name) => [
      `contracts/${name}.sol`,
      { content: readFileSync(join(home, "contracts", `${name}.sol`), "utf8") },
    ]),
  );
  const open = (path) =>
    existsSync(join(home, path))
      ? { contents: readFileSync(join(home, path), "utf8") }
      : { error: `${path} is missing: run npm ci in chain/` };
  const input = { language: "Solidity", sources, settings: settings() };
  const output = JSON.parse(solc.compile(JSON.stringify(input), { import: open }));
  const problems = (output.errors ?? []).filter((problem) => problem.severity !== "info");
  for (const problem of problems) console.error(problem.formattedMessage);
  if (problems.length > 0) process.exit(1);
  return DEPLOYED.map((name) => {
    const { abi, evm } = output.contracts[`contracts/${name}.sol`][name];
    return { abi, code: evm.bytecode.object, deployed: evm.deployedBytecode.object };
  });
}

function artifactsOf(compiled) {
  return compiled.map(({ abi, code, deployed }, place) => {
    const name = DEPLOYED[place];
    const size = deployed.length / 2;
    if (size > MAX_CODE_BYTES) throw new Error(`${name}: ${size} bytes of code, at most ${MAX_CODE_BYTES}`);
    const text = `${JSON.stringify({ abi, bytecode: `0x${code}` }, null, 1)}\n`;
    return { name, size, text };
  });
}

const folder = join(home, "abi");
const forged = DEPLOYED.map(compiledByForge);
const isForged = forged.every((artifact) => artifact !== undefined);
const artifacts = artifactsOf(isForged ? forged : compile());
const known = new Set(artifacts.map(({ name }) => `${name}.json`));
const strangers = existsSync(folder) ? readdirSync(folder).filter((file) => !known.has(file)) : [];

if (process.argv.includes("--check")) {
  const stale = artifacts.filter(({ name, text }) => {
    const path = join(folder, `${name}.json`);
    return !existsSync(path) || readFileSync(path, "utf8") !== text;
  });
  for (const { name } of stale) console.error(`abi/${name}.json is not what the sources compile to`);
  for (const file of strangers) console.error(`abi/${file} belongs to no deployed contract`);
  if (stale.length + strangers.length > 0) {
    console.error("run `make -C chain artifacts` and commit the result");
    process.exit(1);
  }
  console.log(`${artifacts.length} artifacts agree with the sources (${isForged ? "compiled by forge" : "compiled now"})`);
} else {
  mkdirSync(folder, { recursive: true });
  for (const file of strangers) rmSync(join(folder, file));
  for (const { name, size, text } of artifacts) {
    writeFileSync(join(folder, `${name}.json`), text);
    console.log(`${name.padEnd(22)} ${String(size).padStart(6)} bytes of code`);
  }
}
