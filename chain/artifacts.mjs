// Compiles the contracts and writes abi/<Contract>.json for each one that is deployed, so that building the
// Rust side needs no Solidity compiler. With --check it writes nothing and fails if a committed file differs
// from what the sources give. Settings are those of foundry.toml.
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const solc = createRequire(import.meta.url)("solc");
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

function compile() {
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
    const size = evm.deployedBytecode.object.length / 2;
    if (size > MAX_CODE_BYTES) throw new Error(`${name}: ${size} bytes of code, at most ${MAX_CODE_BYTES}`);
    const text = `${JSON.stringify({ abi, bytecode: `0x${evm.bytecode.object}` }, null, 1)}\n`;
    return { name, size, text };
  });
}

const folder = join(home, "abi");
const artifacts = compile();
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
  console.log(`${artifacts.length} artifacts agree with the sources (solc ${solc.version()})`);
} else {
  mkdirSync(folder, { recursive: true });
  for (const file of strangers) rmSync(join(folder, file));
  for (const { name, size, text } of artifacts) {
    writeFileSync(join(folder, `${name}.json`), text);
    console.log(`${name.padEnd(22)} ${String(size).padStart(6)} bytes of code`);
  }
}
