// Runs the chunk encoder as a WebAssembly module that calls nothing outside of itself, over the conformance vectors of small pictures.
// node scripts/pure-chunk.mjs MODULE.wasm
import { readFileSync } from "node:fs";

const VECTORS = ["basic", "ten_bit", "tiles_low_latency", "odd_sizes", "bitrate", "speeds", "full_range"];

const module = new WebAssembly.Module(readFileSync(process.argv[2]));
// v_frame, which rav1e uses, links hooks with which another program would describe the module. They end it here if called.
const imports = {};
for (const { module: from, name, kind } of WebAssembly.Module.imports(module)) {
  if (!from.startsWith("__wbindgen_") || kind !== "function") {
    console.error("pure-chunk: the module imports", from, name, kind);
    process.exit(1);
  }
  (imports[from] ??= {})[name] = () => {
    throw new Error(`pure-chunk: ${from}.${name} was called`);
  };
}
const { exports } = new WebAssembly.Instance(module, imports);

// As encoder/src/synth.rs makes it.
function frame(width, height, index) {
  const out = [];
  const side = height >> 2;
  const bounce = (range, step) => {
    const at = (index * step) % Math.max(2 * range, 1);
    return Math.min(at, Math.max(2 * range - at, 0));
  };
  const left = bounce(width - side, 5);
  const top = bounce(height - side, 3);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const inside = x >= left && x < left + side && y >= top && y < top + side;
      const gradient = (((x + 2 * y + 3 * index) >> 2) % 160) + 40;
      const grain = ((x >> 1) * 73) ^ ((y >> 1) * 151) ^ ((index >> 2) * 19);
      const textured = ((x >> 5) + (y >> 5) + (index >> 4)) % 2 === 0;
      out.push(inside ? 220 - (grain % 8) : gradient + (textured ? grain % 24 : 0));
    }
  }
  for (let plane = 0; plane < 2; plane++) {
    for (let y = 0; y < (height + 1) >> 1; y++) {
      for (let x = 0; x < (width + 1) >> 1; x++) {
        const value = plane === 0 ? x + index : y + 2 * index;
        out.push((Math.floor(value / 3) % 96) + 80);
      }
    }
  }
  return out;
}

const widen = (samples) => samples.flatMap((v, i) => [(4 * v + (i % 4)) & 255, (4 * v + (i % 4)) >> 8]);

let leaves = 0;
for (const name of VECTORS) {
  const vector = JSON.parse(readFileSync(`encoder/vectors/${name}.json`));
  const expected = readFileSync(`encoder/vectors/${name}.obus`);
  const s = vector.source;
  const frames = Array.from({ length: vector.frames }, (_, i) => {
    const eight = frame(s.width, s.height, i);
    return s.bit_depth > 8 ? widen(eight) : eight;
  });
  let at = 0;
  for (const r of vector.renditions) {
    for (let first = 0; first < vector.frames; first += vector.chunk_frames) {
      const input = Uint8Array.from(frames.slice(first, first + vector.chunk_frames).flat());
      const where = exports.reserve(input.length);
      new Uint8Array(exports.memory.buffer, where, input.length).set(input);
      const length = exports.encode(
        (s.width << 16) | s.height,
        s.bit_depth,
        (Number(s.full_range) << 24) | (s.colour[0] << 16) | (s.colour[1] << 8) | s.colour[2],
        s.fps_num,
        s.fps_den,
        (r.width << 16) | r.height,
        (r.speed << 24) | (r.quantizer << 16) | (Number(r.low_latency) << 8) | (r.tile_cols_log2 << 4) | r.tile_rows_log2,
        (r.bitrate_kbps << 16) | r.frame_step,
      );
      const found = Buffer.from(exports.memory.buffer, exports.output(), length);
      if (!found.equals(expected.subarray(at, at + vector.leaves[leaves_of(vector, at)].len))) {
        console.error(`pure-chunk: ${name}: ${length} bytes differ from those of encoder/vectors at byte ${at}`);
        process.exit(1);
      }
      at += length;
      leaves += 1;
    }
  }
}
console.log(`pure-chunk: nothing outside was called; ${leaves} leaves of ${VECTORS.length} vectors give everyone's bytes`);

// Index of the leaf that begins at byte `at` of a vector's file.
function leaves_of(vector, at) {
  let begin = 0;
  return vector.leaves.findIndex((leaf) => {
    const here = begin === at;
    begin += leaf.len;
    return here;
  });
}
