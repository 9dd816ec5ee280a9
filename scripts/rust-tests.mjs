#!/usr/bin/env node
// Builds all Rust tests and runs each program as soon as it is there. Cargo runs them one after the other, when all are
// built; but most of them wait for networks and chains, while the compiler could have the cores.
import { spawn } from "node:child_process";
import { dirname } from "node:path";
import { createInterface } from "node:readline";

const which = "--workspace --release --locked --tests --no-run --message-format=json-render-diagnostics";
const waiting = [];
const failed = [];
let [building, running] = [true, 0];

// A program's output in one piece, once it has ended.
function run({ name, folder, program }) {
  const parts = [];
  const child = spawn(program, [], { cwd: folder, stdio: ["ignore", "pipe", "pipe"] });
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (part) => parts.push(part));
  child.once("error", (error) => parts.push(Buffer.from(`${error}\n`)));
  child.once("close", (code) => {
    process.stdout.write(`\n-- ${name}: ${program}\n${Buffer.concat(parts)}`);
    if (code !== 0) failed.push(`${name} (${program})`);
    running -= 1;
    next();
  });
}

// One beside the compiler, two when it is done.
function next() {
  while (waiting.length > 0 && running < (building ? 1 : 2)) {
    running += 1;
    run(waiting.shift());
  }
  if (!building && running === 0) end();
}

function end() {
  for (const name of failed) console.error(`FAILED: ${name}`);
  process.exitCode = failed.length > 0 ? 1 : 0;
}

const cargo = spawn("cargo", ["test", ...which.split(" ")], { stdio: ["ignore", "pipe", "inherit"] });
const built = new Promise((done) => cargo.once("close", done));
for await (const line of createInterface({ input: cargo.stdout })) {
  const message = JSON.parse(line);
  if (message.reason !== "compiler-artifact" || !message.profile.test || !message.executable) continue;
  const [folder, program] = [dirname(message.manifest_path), message.executable];
  waiting.push({ name: `${message.target.name} of ${message.package_id.split("/").pop()}`, folder, program });
  next();
}
if ((await built) !== 0) failed.push("building the tests");
building = false;
next();
