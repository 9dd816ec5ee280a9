// Sends a live stream with the wall clock painted into its frames.
//
//   node clock.mjs URL [--seconds N] [--size 320x180] [--rate 15]
//
// URL is rtmp://HOST:PORT/APP/KEY or srt://HOST:PORT?passphrase=KEY. With a tone as audio.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { BLOCKS, encode } from "./clock-code.mjs";

const words = process.argv.slice(2);
const option = (name, otherwise) => (words.includes(name) ? words[words.indexOf(name) + 1] : otherwise);
const url = words[0];
const seconds = Number(option("--seconds", "0"));
const [width, height] = option("--size", "320x180").split("x").map(Number);
const rate = Number(option("--rate", "15"));
const format = url.startsWith("srt:") ? "mpegts" : "flv";

const ffmpeg = spawn("ffmpeg", [
  "-nostdin", "-v", "error", "-use_wallclock_as_timestamps", "1", "-f", "rawvideo", "-pix_fmt", "gray", "-s", `${width}x${height}`,
  "-r", `${rate}`, "-i", "pipe:0", "-re", "-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000",
  "-vf", `fps=${rate},format=yuv420p`, "-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-g", `${2 * rate}`,
  "-keyint_min", `${2 * rate}`, "-sc_threshold", "0", "-c:a", "aac", "-b:a", "96k", "-shortest", "-f", format, url,
], { stdio: ["pipe", "inherit", "inherit"] });
let over = false;
ffmpeg.on("exit", (code) => {
  over = true;
  process.exitCode = code ?? 1;
});
ffmpeg.stdin.on("error", () => (over = true));

const [columns, rows] = BLOCKS;
const begun = Date.now();
for (let frame = 0; !over && (seconds === 0 || frame < seconds * rate); frame += 1) {
  const due = begun + (frame * 1000) / rate;
  await new Promise((soon) => setTimeout(soon, Math.max(0, due - Date.now())));
  const blocks = encode(Date.now());
  const picture = Buffer.alloc(width * height);
  for (let y = 0; y < height; y += 1) {
    const row = Math.min(rows - 1, Math.floor((y * rows) / height));
    for (let column = 0; column < columns; column += 1) {
      const value = blocks[row * columns + column] === 1 ? 235 : 16;
      picture.fill(value, y * width + Math.floor((column * width) / columns), y * width + Math.floor(((column + 1) * width) / columns));
    }
  }
  if (!ffmpeg.stdin.write(picture)) await Promise.race([once(ffmpeg.stdin, "drain"), once(ffmpeg, "exit")]);
}
ffmpeg.stdin.end();
