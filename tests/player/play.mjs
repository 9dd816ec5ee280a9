// Plays a stream in headless Chromium with hls.js and watches the clock.
//
//   node play.mjs URL|FOLDER [--seconds N] [--screenshot FILE] [--latency]
//
// Prints one JSON object. Ends with 1 if playback does not start, an error is fatal, the clock does not cross every
// boundary between the segments that were played, or Chromium is missing. A FOLDER is served from here. With --seconds it
// plays for so long, counted from the first picture; otherwise to the end. Either way the clock must advance by four fifths
// of that, and with --seconds over one boundary at least: a player that freezes has failed.
// --latency reads the wall clock that clock.mjs paints into its frames out of the played picture.
import { spawnSync } from "node:child_process";
import { createReadStream, existsSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { dirname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";
import { BLOCKS, decode } from "./clock-code.mjs";

const here = dirname(fileURLToPath(import.meta.url));

function options() {
  const found = { seconds: 0, latency: false };
  const rest = process.argv.slice(2);
  while (rest.length > 0) {
    const word = rest.shift();
    if (word === "--seconds") found.seconds = Number(rest.shift());
    else if (word === "--screenshot") found.screenshot = rest.shift();
    else if (word === "--latency") found.latency = true;
    else found.source = word;
  }
  if (!found.source) throw new Error("usage: node play.mjs URL|FOLDER [--seconds N] [--screenshot FILE] [--latency]");
  return found;
}

function browser() {
  const found = spawnSync("sh", ["-c", "command -v chromium || command -v chromium-browser"], { encoding: "utf8" });
  if (found.status !== 0) throw new Error("chromium is not installed; type: scripts/deps.sh player");
  return found.stdout.trim();
}

const page = `<!doctype html><meta charset="utf-8"><style>body{margin:0;background:#222;color:#eee;font:14px sans-serif}</style>
<video id="video" width="640" height="360"></video><p id="clock"></p><script src="/hls.js"></script>`;

/** Serves the page, hls.js, and a folder if the source is one. */
async function serve(folder) {
  const kinds = { m3u8: "application/vnd.apple.mpegurl", mp4: "video/mp4", m4s: "video/iso.segment" };
  const server = createServer((request, response) => {
    const path = new URL(request.url, "http://x").pathname;
    if (path === "/") return response.writeHead(200, { "content-type": "text/html" }).end(page);
    if (path === "/hls.js") {
      response.writeHead(200, { "content-type": "text/javascript" });
      return response.end(readFileSync(join(here, "node_modules/hls.js/dist/hls.min.js")));
    }
    const file = folder && join(folder, normalize(path));
    if (!file || !existsSync(file)) return response.writeHead(404).end();
    response.writeHead(200, { "content-type": kinds[file.split(".").pop()] ?? "application/octet-stream" });
    createReadStream(file).pipe(response);
  });
  await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
  return [server, `http://127.0.0.1:${server.address().port}`];
}

/** In the page: plays, and records what happens. */
function play(url) {
  const video = document.getElementById("video");
  const seen = { errors: [], fatal: [], waits: 0, boundaries: [], date: null };
  window.seen = seen;
  const hls = new Hls({ lowLatencyMode: false });
  window.hls = hls;
  hls.on(Hls.Events.ERROR, (_, data) => {
    const words = `${data.type} ${data.details} ${data.reason ?? data.error?.message ?? ""}`;
    (data.fatal ? seen.fatal : seen.errors).push(words);
  });
  hls.on(Hls.Events.FRAG_BUFFERED, (_, { frag }) => {
    if (frag.type === "main") seen.boundaries.push([frag.start, frag.start + frag.duration]);
  });
  video.addEventListener("waiting", () => (seen.waits += 1));
  hls.loadSource(url);
  hls.attachMedia(video);
  hls.on(Hls.Events.MANIFEST_PARSED, () => video.play());
}

function state() {
  const { buffered, currentTime, duration, ended, videoWidth, videoHeight } = document.getElementById("video");
  const video = document.getElementById("video");
  document.getElementById("clock").textContent = `clock ${currentTime.toFixed(2)} s`;
  const ranges = [...Array(buffered.length).keys()].map((i) => [buffered.start(i), buffered.end(i)]);
  return {
    ...window.seen, currentTime, duration, ended, videoWidth, videoHeight, ranges,
    dropped: video.getVideoPlaybackQuality().droppedVideoFrames,
    frames: video.getVideoPlaybackQuality().totalVideoFrames,
    audioBytes: video.webkitAudioDecodedByteCount,
    audioTracks: window.hls.audioTracks.length,
    levels: window.hls.levels.length, level: window.hls.currentLevel, latency: window.hls.latency,
  };
}

/** The blocks of the picture, as numbers from 0 to 255, and this machine's clock. */
function look([columns, rows]) {
  const video = document.getElementById("video");
  const canvas = Object.assign(document.createElement("canvas"), { width: video.videoWidth, height: video.videoHeight });
  const context = canvas.getContext("2d");
  context.drawImage(video, 0, 0);
  const now = Date.now();
  const values = [];
  for (let row = 0; row < rows; row += 1) {
    for (let column = 0; column < columns; column += 1) {
      const x = Math.floor(((column + 0.5) * canvas.width) / columns);
      const y = Math.floor(((row + 0.5) * canvas.height) / rows);
      values.push(context.getImageData(x, y, 1, 1).data[1]);
    }
  }
  return [values, now];
}

const { source, seconds, screenshot, latency } = options();
const executablePath = browser();
const folder = existsSync(source) && statSync(source).isDirectory() ? source : null;
const [server, origin] = await serve(folder);
const profile = mkdtempSync(join(tmpdir(), "assay-player-"));
const context = await chromium.launchPersistentContext(profile, {
  executablePath,
  headless: true,
  args: [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--autoplay-policy=no-user-gesture-required",
  ],
});
let failed = null;
try {
  const tab = context.pages()[0] ?? (await context.newPage());
  await tab.goto(origin);
  await tab.evaluate(play, folder ? `${origin}/master.m3u8` : source);
  const begun = Date.now();
  const clocks = [];
  const delays = [];
  let now;
  let started = null;
  for (;;) {
    await new Promise((soon) => setTimeout(soon, 100));
    now = await tab.evaluate(state);
    clocks.push([Date.now() - begun, now.currentTime]);
    if (latency && now.currentTime > 0 && !now.ended) {
      const [values, at] = await tab.evaluate(look, BLOCKS);
      const painted = decode(values, at);
      if (painted !== null) delays.push(at - painted);
    }
    const playing = now.currentTime > 0;
    const [elapsed] = clocks.at(-1);
    if (playing) started ??= elapsed;
    if (now.fatal.length > 0 || now.ended) break;
    if (!playing && elapsed > 60_000) break;
    if (seconds > 0 && playing && elapsed - started > seconds * 1000) break;
    // The clock stands still.
    const before = clocks.find(([at]) => at > elapsed - 20_000);
    if (playing && elapsed > 25_000 && before[1] === now.currentTime) break;
  }
  if (screenshot) await tab.screenshot({ path: screenshot });
  const first = clocks.find(([, clock]) => clock > 0)?.[1] ?? 0;
  const last = now.currentTime;
  // Every boundary between what was first and last seen must have been crossed by a clock that runs.
  const inner = [...new Set(now.boundaries.map(([start]) => start.toFixed(3)))].map(Number);
  // Before a marked gap and behind it there is no boundary, but a jump.
  const joined = (start) => now.boundaries.some(([, end]) => Math.abs(end - start) < 0.1);
  const passed = inner.filter((start) => start > first + 0.1 && start < last - 0.1 && joined(start));
  const crossed = passed.filter((start) => {
    const near = clocks.filter(([, clock]) => Math.abs(clock - start) < 0.6).map(([, clock]) => clock);
    return near.some((clock) => clock < start) && near.some((clock) => clock >= start);
  });
  const stalls = clocks.filter(([at, clock], i) => {
    const later = clocks[i + 10];
    return clock > 0 && later && later[1] - clock < 0.2 && !(now.ended && clock > now.duration - 1.5);
  });
  delays.sort((a, b) => a - b);
  const at = (part) => (delays.length > 0 ? delays[Math.floor((delays.length - 1) * part)] : null);
  const report = {
    source, chromium: context.browser()?.version() ?? "?", width: now.videoWidth, height: now.videoHeight,
    levels: now.levels, audioTracks: now.audioTracks, audioBytes: now.audioBytes, ended: now.ended,
    duration: Number.isFinite(now.duration) ? now.duration : null, played: last - first, frames: now.frames, dropped: now.dropped,
    boundaries: passed.length, crossed: crossed.length, stalls: stalls.length, waits: now.waits,
    errors: now.errors, fatal: now.fatal, ranges: now.ranges,
    latencyMs: latency ? { least: at(0), median: at(0.5), p95: at(0.95), samples: delays.length } : undefined,
  };
  console.log(JSON.stringify(report, null, 2));
  const wanted = seconds > 0 ? seconds : (report.duration ?? 0);
  if (now.fatal.length > 0) failed = `a fatal error: ${now.fatal[0]}`;
  else if (last <= first) failed = "the clock does not advance";
  else if (last - first < 0.8 * wanted) failed = `the clock advanced by ${(last - first).toFixed(1)} s, expected ${wanted.toFixed(1)} s: it stood still`;
  else if (seconds > 0 && passed.length === 0) failed = "no boundary between segments was reached";
  else if (crossed.length !== passed.length) failed = `${passed.length - crossed.length} boundaries were not crossed`;
  else if (seconds === 0 && !now.ended) failed = "the stream did not come to its end";
  else if (latency && delays.length < 10) failed = "no clock is painted into the picture";
} finally {
  await context.close();
  server.close();
  rmSync(profile, { recursive: true, force: true });
}
if (failed) {
  console.error(`player: ${failed}`);
  process.exit(1);
}
