#!/usr/bin/env node
// Builds all Rust tests, runs each program as soon as it is there, and lints when they are built. Cargo runs tests one
// after the other, when all are built; but most of them wait for networks and chains, while a compiler could have the cores.
import { spawn } from "node:child_process";
import { dirname } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

// The release profile, because dependencies' build scripts and macros are built for it already.
const all = ["--workspace", "--release", "--locked"];
// Examples are left out: clippy compiles them.
const tests = ["test", ...all, "--tests", "--no-run", "--message-format=json-render-diagnostics"];
const lint = { RUSTC_WORKSPACE_WRAPPER: fileURLToPath(new URL("lint-only.sh", import.meta.url)), RUSTC_WRAPPER: "" };
const compiling = [
  { name: "clippy", program: "cargo", args: ["build", "--keep-going", ...all, "--all-targets"], env: lint },
  { name: "examples in the documentation", program: "cargo", args: ["test", ...all, "--doc"] },
];
// Most tests wait for blocks: more of them than there are cores.
const surroundings = { RUST_TEST_THREADS: "4", ...process.env };
const waiting = [];
const failed = [];
let [building, running] = [true, 0];

// A program's output in one piece, once it has ended; whether it succeeded goes into `failed`.
function run({ name, folder, program, args = [], env = {} }) {
  const [parts, begun] = [[], Date.now()];
  const child = spawn(program, args, { cwd: folder, env: { ...surroundings, ...env }, stdio: ["ignore", "pipe", "pipe"] });
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (part) => parts.push(part));
  child.once("error", (error) => parts.push(Buffer.from(`${error}\n`)));
  return new Promise((ended) =>
    child.once("close", (code) => {
      const seconds = Math.round((Date.now() - begun) / 1000);
      process.stdout.write(`\n-- ${name} (${seconds} s): ${program} ${args.join(" ")}\n${Buffer.concat(parts)}`);
      if (code !== 0) failed.push(`${name} (${program})`);
      ended();
    }),
  );
}

// One beside the compiler, two when it is done.
function next() {
  while (waiting.length > 0 && running < (building ? 1 : 2)) {
    running += 1;
    run(waiting.shift()).then(() => {
      running -= 1;
      next();
    });
  }
  if (!building && running === 0) end();
}

function end() {
  for (const name of failed) console.error(`FAILED: ${name}`);
  process.exitCode = failed.length > 0 ? 1 : 0;
}

const cargo = spawn("cargo", tests, { stdio: ["ignore", "pipe", "inherit"] });
const built = new Promise((done) => cargo.once("close", done));
for await (const line of createInterface({ input: cargo.stdout })) {
  const message = JSON.parse(line);
  if (message.reason !== "compiler-artifact" || !message.profile.test || !message.executable) continue;
  const [folder, program] = [dirname(message.manifest_path), message.executable];
  waiting.push({ name: `${message.target.name} of ${message.package_id.split("/").pop()}`, folder, program });
  next();
}
if ((await built) !== 0) failed.push("building the tests");
// One after the other: cargo would wait for itself.
for (const check of compiling) await run(check);
building = false;
next();
