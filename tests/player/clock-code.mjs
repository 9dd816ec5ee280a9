// A clock as black and white blocks: 32 bits of milliseconds since 1970, and a checksum of 8, that survive transcoding.

/** Columns and rows of blocks. */
export const BLOCKS = [8, 5];

const checksum = (low) => ((low ^ (low >>> 8) ^ (low >>> 16) ^ (low >>> 24)) ^ 0xa5) & 0xff;

/** Block values, 0 or 1, for a time in milliseconds. */
export function encode(time) {
  const low = Number(BigInt(Math.floor(time)) & 0xffffffffn);
  const bits = [...Array(32).keys()].map((bit) => (low >>> bit) & 1);
  const sum = checksum(low);
  return bits.concat([...Array(8).keys()].map((bit) => (sum >>> bit) & 1));
}

/** The time near `now` that block values from 0 to 255 show, or null if they show none. */
export function decode(values, now) {
  const bits = values.map((value) => (value > 127 ? 1 : 0));
  const number = (from, count) => bits.slice(from, from + count).reduce((sum, bit, i) => sum + bit * 2 ** i, 0);
  const low = number(0, 32);
  if (number(32, 8) !== checksum(low)) return null;
  const base = Math.floor(now / 2 ** 32) * 2 ** 32;
  return [base, base - 2 ** 32].map((high) => high + low).find((time) => time <= now) ?? null;
}
