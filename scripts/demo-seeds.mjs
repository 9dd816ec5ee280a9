// Runs `assay demo --json` with one seed after the other, on a clip of the demonstration's own or FILE, and holds what was
// measured against the limits: from the first wrong receipt to its proof on chain at most 5 s in the median over the seeds;
// each run at most 120 s and 2,048 MiB for all processes together. Each report must also pass check-report.mjs.
//
//   node demo-seeds.mjs [--seeds 5] [--input FILE] [--assay target/release/assay]
//
// Prints a table in Markdown; ends with 1 if a run fails or a limit is passed.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const PROOF_SECONDS = 5;
const WALL_SECONDS = 120;
const PEAK_MIB = 2048;

const here = dirname(fileURLToPath(import.meta.url));
const words = process.argv.slice(2);
const option = (name, otherwise) => (words.includes(name) ? words[words.indexOf(name) + 1] : otherwise);
const seeds = Number(option("--seeds", "5"));
if (!(Number.isInteger(seeds) && seeds > 0)) {
  console.error(`--seeds ${option("--seeds")}: a whole number above 0 is needed`);
  process.exit(2);
}
const built = join(process.env.CARGO_TARGET_DIR ?? join(here, "../target"), "release/assay");
const assay = resolve(option("--assay", built));
const input = words.includes("--input") ? ["--input", option("--input")] : [];
const dir = mkdtempSync(join(tmpdir(), "assay-seeds-"));
const wrong = [];
const waits = [];

function run(seed) {
  const [out, json] = [join(dir, `${seed}`), join(dir, `${seed}.json`)];
  const demo = spawnSync(assay, ["demo", ...input, "--seed", `${seed}`, "--out", out, "--json", json], { encoding: "utf8" });
  if (demo.status !== 0) {
    const last = demo.error?.message ?? demo.stderr.trim().split("\n").at(-1);
    wrong.push(`seed ${seed}: assay demo ended with ${demo.status ?? demo.signal}: ${last}`);
    console.log(`| ${seed} | failed | | | | | |`);
    return;
  }
  const check = spawnSync("node", [join(here, "check-report.mjs"), json], { encoding: "utf8" });
  if (check.status !== 0) wrong.push(`seed ${seed}: ${check.stderr.trim()}`);
  const report = JSON.parse(readFileSync(json, "utf8"));
  rmSync(out, { recursive: true, force: true });
  const { segments, samples, chunks, fraud_proofs: proofs, wall_seconds: wall, peak_rss_mib: peak } = report;
  // check-report.mjs has said so if there is no proof.
  const [first] = [...proofs].sort((a, b) => a.block_proven - b.block_proven);
  const wait = first?.seconds_from_receipt_to_proof ?? Infinity;
  waits.push(wait);
  if (wall > WALL_SECONDS) wrong.push(`seed ${seed}: ${wall} s in all, at most ${WALL_SECONDS} s are allowed`);
  if (peak > PEAK_MIB) wrong.push(`seed ${seed}: ${peak} MiB, at most ${PEAK_MIB} MiB are allowed`);
  const cells = [seed, segments, `${samples} of ${chunks}`, proofs.length, `${wait.toFixed(2)} s`, `${wall.toFixed(1)} s`, `${peak} MiB`];
  console.log(`| ${cells.join(" | ")} |`);
}

try {
  console.log("| seed | segments | chunks checked | proofs | receipt to first proof | whole run | memory |");
  console.log("|---|---|---|---|---|---|---|");
  for (let seed = 1; seed <= seeds; seed += 1) run(seed);
} finally {
  rmSync(dir, { recursive: true, force: true });
}

waits.sort((a, b) => a - b);
if (waits.length > 0) {
  const middle = waits.length / 2;
  const median = (waits[Math.ceil(middle) - 1] + waits[Math.floor(middle)]) / 2;
  console.log(`\nmedian from receipt to first proof: ${median.toFixed(2)} s`);
  if (median > PROOF_SECONDS) wrong.push(`the median from receipt to proof is ${median.toFixed(2)} s, at most ${PROOF_SECONDS} s are allowed`);
}
for (const what of wrong) console.error(`demo-seeds: ${what}`);
process.exitCode = wrong.length > 0 ? 1 : 0;
