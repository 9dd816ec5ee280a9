// Holds the report of a demonstration with one cheater against what must be in it.
import { existsSync, readFileSync } from "node:fs";

const path = process.argv[2];
const report = JSON.parse(readFileSync(path, "utf8"));
const wrong = [];
const must = (holds, what) => holds || wrong.push(what);

// Decimal strings in LPT, compared without rounding.
const atoms = (text) => {
  const [whole, part = ""] = text.split(".");
  return BigInt(whole + part.padEnd(18, "0"));
};

must(report.fraud_proofs.length > 0, "there is no fraud proof");
for (const proof of report.fraud_proofs) {
  const name = `proof of leaf ${proof.leaf}`;
  must(proof.signer_weight_bps >= 6667, `${name}: signers hold ${proof.signer_weight_bps} basis points`);
  must(proof.tx_prove && proof.tx_execute, `${name}: a transaction is missing`);
  must(proof.block_executed > proof.block_proven, `${name}: executed in block ${proof.block_executed}`);
  must(atoms(proof.burned) > 0n && atoms(proof.signers_paid) > 0n, `${name}: nothing was burned or paid`);
  must(existsSync(proof.file), `${name}: ${proof.file} is not there`);
}
const cheats = new Set(report.fraud_proofs.map((proof) => proof.transcoder));
for (const { address, stake_before, stake_after, slashed } of report.transcoders) {
  const lost = atoms(stake_before) > atoms(stake_after) && atoms(slashed) > 0n;
  must(lost === cheats.has(address), `${address}: stake ${stake_before} -> ${stake_after}, slashed ${slashed}`);
}
const earned = report.transcoders.reduce((sum, { fees_eth }) => sum + atoms(fees_eth), 0n);
const kept = atoms(report.fees_paid_eth) - atoms(report.fees_burned_eth);
must(earned === kept, `transcoders earned ${earned} wei in fees, ${kept} wei were paid and not burned`);
must(report.samples > 0 && report.sample_fraction > 0, "nothing was sampled");
must(existsSync(report.playlist), `the playlist ${report.playlist} is not there`);

if (wrong.length > 0) {
  for (const what of wrong) console.error(`${path}: ${what}`);
  process.exit(1);
}
console.log(
  `${report.segments} segments, ${report.samples} of ${report.chunks} chunks sampled, ` +
    `${report.fraud_proofs.length} fraud proofs, ${report.wall_seconds} s`,
);
