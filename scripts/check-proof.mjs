// Checks fraud proof files by docs/protocol.md alone: with other libraries (noble) than the program's and none of its code.
//   check-proof.mjs FILE...    a line for each; ends with 1 if one does not hold
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const require = createRequire(new URL("../chain/package.json", import.meta.url));
const { bls12_381: bls } = require("@noble/curves/bls12-381");
const { secp256k1 } = require("@noble/curves/secp256k1");
const { keccak_256: keccak } = require("@noble/hashes/sha3");
const { bytesToHex, concatBytes, hexToBytes, utf8ToBytes } = require("@noble/hashes/utils");

const VERDICT_TAG = "BLS_SIG_BLS12381G1_XMD:SHA-256_SSWU_RO_POP_";

const hex = (bytes) => `0x${bytesToHex(bytes)}`;
const bytes = (text) => hexToBytes(text.replace(/^0x/, ""));
const uint = (value, width) => hexToBytes(BigInt(value).toString(16).padStart(2 * width, "0"));
const word = (value) => uint(value, 32);

// Section 1: EIP-712.
const TYPES = {
  Assignment:
    "Assignment(uint256 jobId,uint32 seq,uint8 attempt,uint64 round,address transcoder,bytes32 sourceHash,uint64 sourceLen," +
    "bytes32 framesRoot,uint32 frameCount,bytes32 profilesHash,bytes32 encoderId,uint32 leafCount,uint256 pricePerPixel," +
    "uint64 deadlineBlock)",
  Receipt: "Receipt(bytes32 assignmentHash,bytes32 outputRoot,uint64 outputBytes,bytes32 plant)",
  Verdict: "Verdict(bytes32 receiptHash,uint32 leafIndex,bytes32 recomputedHash)",
};

// Every member of these structs is a word: hashes as they are, addresses and integers padded on the left.
function structHash(name, object) {
  const type = TYPES[name];
  const members = type.slice(type.indexOf("(") + 1, -1).split(",");
  const names = members.map((member) => member.split(" ")[1]);
  return keccak(concatBytes(keccak(utf8ToBytes(type)), ...names.map((field) => word(object[field]))));
}

function digest({ chain_id, court }, name, object) {
  const domain = keccak(
    concatBytes(
      keccak(utf8ToBytes("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)")),
      keccak(utf8ToBytes("Assay")),
      keccak(utf8ToBytes("1")),
      word(chain_id),
      word(court),
    ),
  );
  return keccak(concatBytes(Uint8Array.of(0x19, 0x01), domain, structHash(name, object)));
}

// The account that made a signature of 65 bytes, r, s, v.
function account(message, signature) {
  const raw = bytes(signature);
  const v = raw[64];
  if (raw.length !== 65 || (v !== 27 && v !== 28)) throw new Error(`no operator signature: ${signature}`);
  const parsed = secp256k1.Signature.fromCompact(raw.subarray(0, 64)).addRecoveryBit(v - 27);
  if (parsed.hasHighS()) throw new Error(`s is in the upper half: ${signature}`);
  return hex(keccak(parsed.recoverPublicKey(message).toRawBytes(false).subarray(1)).subarray(12));
}

// Section 3: the output root that follows from a leaf, its index and its path.
function outputRoot({ leaf, leaf_index, path }) {
  const packed = concatBytes(
    uint(leaf.rendition, 1),
    uint(leaf.chunk, 4),
    bytes(leaf.frames_root),
    uint(leaf.output_len, 4),
    bytes(leaf.output_hash),
  );
  let node = keccak(concatBytes(Uint8Array.of(0), packed));
  for (const [level, text] of path.entries()) {
    const [left, right] = (leaf_index >> level) & 1 ? [bytes(text), node] : [node, bytes(text)];
    node = keccak(concatBytes(Uint8Array.of(1), left, right));
  }
  return node;
}

// Sections 2 and 7.
function check({ domain, broadcaster, signing_keys, verifiers, assignment_hash, receipt_hash, verdict_hash, signers, proof }) {
  const wrong = [];
  const same = (what, found, expected) =>
    String(found).toLowerCase() === String(expected).toLowerCase() || wrong.push(`${what} is ${found}, not ${expected}`);

  const { assignment, receipt } = proof;
  const [assigned, received] = [digest(domain, "Assignment", assignment), digest(domain, "Receipt", receipt)];
  const verdict = { receiptHash: hex(received), leafIndex: proof.leaf_index, recomputedHash: proof.recomputed_hash };
  const message = digest(domain, "Verdict", verdict);
  same("assignment_hash", assignment_hash, hex(assigned));
  same("receipt_hash", receipt_hash, hex(received));
  same("verdict_hash", verdict_hash, hex(message));
  same("the receipt's assignment", receipt.assignmentHash, hex(assigned));
  same("the broadcaster's key", signing_keys.broadcaster, account(assigned, proof.assignment_signature));
  same("the transcoder's key", signing_keys.transcoder, account(received, proof.receipt_signature));
  same("the output root", receipt.outputRoot, hex(outputRoot(proof)));
  same("the path's length", proof.path.length, Math.ceil(Math.log2(assignment.leafCount)));
  if (proof.leaf_index >= assignment.leafCount) wrong.push(`leaf ${proof.leaf_index} of ${assignment.leafCount}`);
  if (proof.recomputed_hash === proof.leaf.output_hash) wrong.push("the claimed bytes are the recomputed ones");

  const { seats, round } = verifiers;
  same("the verifiers' round", round, assignment.round);
  const order = seats.map(({ operator }) => operator.toLowerCase());
  same("the order of the verifiers", order, [...order].sort());
  const bitmap = BigInt(proof.bitmap);
  const signed = seats.filter((_, position) => (bitmap >> BigInt(position)) & 1n);
  if (bitmap >> BigInt(seats.length)) wrong.push(`the bitmap ${proof.bitmap} names more than ${seats.length} verifiers`);
  same("signers", signers, signed.map(({ operator }) => operator));
  const accused = assignment.transcoder.toLowerCase();
  const weight = (some) =>
    some.reduce((sum, { operator, weight }) => (operator.toLowerCase() === accused ? sum : sum + BigInt(weight)), 0n);
  const [part, total] = [weight(signed), weight(seats)];
  if (3n * part < 2n * total) wrong.push(`signers hold ${part} of ${total}`);

  const point = bls.G1.hashToCurve(message, { DST: VERDICT_TAG });
  const keys = signed.map(({ key }) => bls.G2.ProjectivePoint.fromHex(bytes(key)));
  for (const key of keys) key.assertValidity();
  const sum = keys.reduce((sum, key) => sum.add(key), bls.G2.ProjectivePoint.ZERO);
  const aggregate = bls.G1.ProjectivePoint.fromHex(bytes(proof.signature));
  aggregate.assertValidity();
  const one = bls.pairingBatch([
    { g1: aggregate, g2: bls.G2.ProjectivePoint.BASE.negate() },
    { g1: point, g2: sum },
  ]);
  if (!bls.fields.Fp12.eql(one, bls.fields.Fp12.ONE)) wrong.push("the aggregate is no signature of these verifiers on the verdict");
  if (wrong.length > 0) throw new Error(wrong.join("; "));
  return `leaf ${proof.leaf_index} of ${broadcaster}'s segment ${assignment.seq}, ${signed.length} of ${seats.length} verifiers`;
}

for (const file of process.argv.slice(2)) {
  try {
    console.log(`${file}: holds: ${check(JSON.parse(readFileSync(file, "utf8")))}`);
  } catch (error) {
    console.error(`${file}: ${error.message}`);
    process.exitCode = 1;
  }
}
