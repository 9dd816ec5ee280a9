// A live stream through a network of processes on this machine, for a while: does memory grow, and how late are viewers?
//
//   node soak.mjs [--minutes 30] [--size 640x360] [--rate 30] [--assay target/release/assay] [--dir FOLDER] [--no-player]
//
// Starts `assay testnet up`, puts `assay publish --live` in the broadcaster's place, sends a stream with the wall clock in its
// frames, samples the resident memory of all nodes and the playlist every ten seconds, and plays half a minute in Chromium.
// Prints one JSON object. Ends with 1 if
// - the playlist stands still for half a minute, has less than four fifths of the time that has passed, or more than one gap in
//   twenty segments;
// - the player fails;
// - a node's memory grows by more than 1 % over the second half (the first fills windows and caches); judged from ten
//   minutes on, because less says nothing. The player comes before: a node keeps the memory that its first viewer took.
import { spawn, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, openSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const words = process.argv.slice(2);
const option = (name, otherwise) => (words.includes(name) ? words[words.indexOf(name) + 1] : otherwise);
const minutes = Number(option("--minutes", "30"));
const [size, rate] = [option("--size", "640x360"), option("--rate", "30")];
const built = join(process.env.CARGO_TARGET_DIR ?? join(here, "../../target"), "release/assay");
const assay = resolve(option("--assay", built));
const own = mkdtempSync(join(tmpdir(), "assay-soak-"));
const dir = resolve(option("--dir", own));
mkdirSync(dir, { recursive: true });
const net = join(dir, "net");
const soon = (ms) => new Promise((done) => setTimeout(done, ms));

async function freePort() {
  const server = createServer();
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  const { port } = server.address();
  await new Promise((done) => server.close(done));
  return port;
}

function run(program, args) {
  const { status, stdout, stderr } = spawnSync(program, args, { encoding: "utf8", cwd: join(here, "../..") });
  if (status !== 0) throw new Error(`${program} ${args.join(" ")}: ${stderr || stdout}`);
  return stdout;
}

/** Resident memory of a process in kB, without its workers, which come and go. */
function resident(pid) {
  const found = readFileSync(`/proc/${pid}/status`, "utf8").match(/^VmRSS:\s+(\d+) kB/m);
  return Number(found[1]);
}

/** What a viewer is told: entries so far, and how long those of the window are, in seconds. */
async function told(url) {
  const master = await (await fetch(url)).text();
  const media = master.split("\n").find((line) => line.endsWith("index.m3u8") && !line.startsWith("#"));
  const window = await (await fetch(new URL(media, url))).text();
  const lengths = [...window.matchAll(/^#EXTINF:([\d.]+)/gm)].map((found) => Number(found[1]));
  const sequence = Number(window.match(/MEDIA-SEQUENCE:(\d+)/)?.[1] ?? 0);
  return { end: sequence + lengths.length, mean: lengths.reduce((sum, length) => sum + length, 0) / lengths.length };
}

const files = (folder) => readdirSync(folder, { recursive: true }).length;

/** Growth per hour as a straight line through the samples has it, as a part of their mean. */
function slope(samples) {
  const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const [x, y] = [mean(samples.map(([at]) => at)), mean(samples.map(([, kb]) => kb))];
  const over = samples.reduce((sum, [at, kb]) => sum + (at - x) * (kb - y), 0);
  const under = samples.reduce((sum, [at]) => sum + (at - x) ** 2, 0);
  return over / under / y;
}

const children = [];
const start = (name, program, args) => {
  const log = openSync(join(dir, `${name}.log`), "w");
  const child = spawn(program, args, { stdio: ["ignore", log, log], cwd: join(here, "../..") });
  children.push(child);
  return child;
};

let failed = null;
try {
  // As large as the stream: tickets are sized by it.
  const clip = join(dir, "clip.mkv");
  const picture = `testsrc2=size=${size}:rate=${rate}:duration=4`;
  run("ffmpeg", ["-v", "error", "-y", "-f", "lavfi", "-i", picture, "-g", `${2 * Number(rate)}`, clip]);
  run(assay, ["testnet", "up", "--dir", net, "--transcoders", "2", "--verifiers", "3", "--cheaters", "0", "--checks", "10", "--input", clip]);
  const pidOf = (name) => Number(readFileSync(join(net, "run", `${name}.pid`), "utf8").split(" ")[0]);
  process.kill(pidOf("broadcaster"), "SIGTERM");
  await soon(4000);
  const [rtmp, http] = [await freePort(), await freePort()];
  const config = join(net, "broadcaster/node.toml");
  const text = readFileSync(config, "utf8").replace(/^in_flight.*\n/m, "").replace(/^output.*\n/m, 'output = "live"\n');
  writeFileSync(config, text);
  const publisher = start("publish", assay, [
    "publish", "--live", `rtmp://127.0.0.1:${rtmp}/live`, "--serve", `127.0.0.1:${http}`, "--config", config,
  ]);
  await soon(2000);
  const key = readFileSync(join(net, "broadcaster/stream.key"), "utf8").trim();
  const sender = start("sender", "node", [
    join(here, "clock.mjs"), `rtmp://127.0.0.1:${rtmp}/live/${key}`, "--seconds", `${minutes * 60 + 120}`, "--size", size, "--rate", rate,
  ]);
  const url = `http://127.0.0.1:${http}/master.m3u8`;
  const begun = Date.now();
  while (!(await fetch(url).then((answer) => answer.ok, () => false))) {
    if (Date.now() - begun > 120_000) throw new Error("nothing to watch after two minutes; see publish.log");
    await soon(500);
  }
  const nodes = { broadcaster: publisher.pid };
  for (const name of ["transcoder-0", "transcoder-1", "verifier-0", "verifier-1", "verifier-2"]) nodes[name] = pidOf(name);
  const samples = Object.fromEntries(Object.keys(nodes).map((name) => [name, []]));
  const counts = [];
  const ends = [];
  let player = null;
  for (const since = Date.now(); Date.now() - since < minutes * 60_000; ) {
    const at = (Date.now() - since) / 3_600_000;
    for (const [name, pid] of Object.entries(nodes)) samples[name].push([at, resident(pid)]);
    counts.push([files(join(net, "broadcaster/live")), files(join(net, "broadcaster/blobs"))]);
    const third = Date.now() - since > minutes * 20_000;
    if (third && player === null && !words.includes("--no-player")) {
      const shot = join(dir, "live.png");
      const played = spawnSync("node", [join(here, "play.mjs"), url, "--seconds", "30", "--latency", "--screenshot", shot], { encoding: "utf8" });
      player = { status: played.status, words: played.stderr.trim(), ...JSON.parse(played.stdout || "{}") };
    }
    ends.push([Date.now(), (await told(url)).end]);
    const before = ends.findLast(([time]) => time < Date.now() - 30_000);
    if (before && before[1] === ends.at(-1)[1]) throw new Error("the playlist has stood still for half a minute; see publish.log");
    if (sender.exitCode !== null || publisher.exitCode !== null) throw new Error("the sender or the publisher has ended");
    await soon(10_000);
  }
  const last = await told(url);
  const [[begin, first]] = ends;
  const progress = ((last.end - first) * last.mean) / ((Date.now() - begin) / 1000);
  const log = readFileSync(join(dir, "publish.log"), "utf8");
  const memory = {};
  for (const [name, all] of Object.entries(samples)) {
    const later = all.slice(Math.floor(all.length / 2));
    const percent = slope(later) * ((minutes / 2 / 60) * 100);
    memory[name] = { firstKb: all[0][1], middleKb: later[0][1], lastKb: all.at(-1)[1], percentInSecondHalf: Number(percent.toFixed(2)) };
    if (minutes >= 10 && percent > 1) failed = `${name} grows by ${percent.toFixed(2)} % in the second half`;
  }
  const count = (what) => log.split(what).length - 1;
  const report = {
    minutes, size, rate: Number(rate), delivered: count("segment delivered"), gaps: count("has a gap in its place"), givenUp: count("is given up"),
    entries: last.end, progress: Number(progress.toFixed(3)), filesFirst: counts[0], filesLast: counts.at(-1), memory, player,
  };
  console.log(JSON.stringify(report, null, 2));
  const missing = report.gaps + report.givenUp;
  if (progress < 0.8) failed ??= `the playlist has ${(100 * progress).toFixed(0)} % of the time that has passed`;
  if (missing > report.delivered / 20) failed ??= `${missing} segments are missing beside ${report.delivered} that are there`;
  if (player !== null && player.status !== 0) failed ??= `the player: ${player.words}`;
} finally {
  for (const child of children) child.kill("SIGTERM");
  await soon(3000);
  spawnSync(assay, ["testnet", "down", "--dir", net]);
  if (dir === own) rmSync(own, { recursive: true, force: true });
}
if (failed) {
  console.error(`soak: ${failed}`);
  process.exit(1);
}
